"""Makers of small documents, each returned as bytes; no outside service, nothing read from disk.

Text given to `make_pdf` and `make_docx` may use a little markup: a line that begins with `# ` or `## ` is a heading,
one that begins with `- ` an item of a list, and an empty line parts paragraphs.
"""

from __future__ import annotations

import io
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from xml.sax.saxutils import escape

W_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OPENS_WITH = "letmein"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def make_pdf(pages: Sequence[str], *, title: str = "", password: str = "", owner_password: str = "") -> bytes:
    """A PDF with a text layer, one A4 page a text (what does not fit on the page is left out). Needs reportlab."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    lock = (
        StandardEncryption(password, owner_password or password, strength=128) if password or owner_password else None
    )
    canvas = Canvas(out, pagesize=A4, encrypt=lock, invariant=1)
    canvas.setTitle(title or "untitled")
    for page in pages:
        text = canvas.beginText(72, A4[1] - 72)
        for line in page.split("\n"):
            level = len(line) - len(line.lstrip("#"))
            text.setFont("Helvetica-Bold" if level else "Helvetica", (11, 20, 15)[min(level, 2)])
            for piece in textwrap.wrap(line.lstrip("# "), 88) or [""]:
                text.textLine(piece)
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def make_encrypted_pdf(pages: Sequence[str] = ("A secret.",), *, password: str = OPENS_WITH) -> bytes:
    """A PDF that opens with `password` only."""
    return make_pdf(pages, password=password)


def make_broken_pdf() -> bytes:
    """A file that begins as a PDF and holds no page."""
    return make_pdf(["Lost."])[:200]


def make_scan_pdf(texts: Sequence[str], *, width_px: int = 1000, height_px: int = 500, dpi: int = 200) -> bytes:
    """A PDF of pictures without a text layer, one page a text, black on white in a size that OCR reads."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=36)
    images = []
    for text in texts:
        image = Image.new("L", (width_px, height_px), 255)
        lines = [piece for line in text.split("\n") for piece in textwrap.wrap(line, (width_px - 80) // 19) or [""]]
        ImageDraw.Draw(image).multiline_text((40, 40), "\n".join(lines), font=font, fill=0, spacing=14)
        images.append(image)
    out = io.BytesIO()
    images[0].save(out, "PDF", resolution=dpi, save_all=True, append_images=images[1:], quality=95)
    return out.getvalue()


def make_scan_of(pdf: bytes, *, dpi: int = 200) -> bytes:
    """The same pages as pictures, without their text layer. Needs PDFium."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        pictures = [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]
    out = io.BytesIO()
    pictures[0].save(out, "PDF", resolution=dpi, save_all=True, append_images=pictures[1:], quality=95)
    return out.getvalue()


def make_docx(paragraphs: Sequence[str], *, title: str = "") -> bytes:
    """A DOCX of plain paragraphs, headings and list items; `"\\f"` alone is a page break."""
    return make_docx_of("".join(_docx_paragraph(text) for text in paragraphs), title=title)


def make_docx_of(body: str, *, title: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    """A DOCX around the WordprocessingML `body` (prefixes `w` and `r` are known); `parts` adds or replaces members.

    It has the styles `Heading1` to `Heading6`, and the numberings 1 (bullets) and 2 ("1.", then "a)").
    A part `word/NAME.xml` is related to the document by its name (`footnotes`, `header1`, `numbering`…).
    """
    members = {
        "word/document.xml": f'<w:document xmlns:w="{W_NAMESPACE}" xmlns:r="{_OFFICE}">'
        f"<w:body>{body}</w:body></w:document>",
        "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></cp:coreProperties>',
        "word/styles.xml": _docx_styles(),
        "word/numbering.xml": _docx_numbering(),
    } | dict(parts or {})
    related = [name for name in members if name.startswith("word/") and name.count("/") == 1 and "document" not in name]
    members["[Content_Types].xml"] = _docx_content_types(related)
    members["_rels/.rels"] = _docx_relations(
        [
            (f"{_OFFICE}/officeDocument", "word/document.xml"),
            (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
        ]
    )
    members["word/_rels/document.xml.rels"] = _docx_relations(
        [(f"{_OFFICE}/{_part_kind(name)}", name.removeprefix("word/")) for name in related]
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name), xml, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def make_html(body: str, *, title: str = "") -> bytes:
    """An HTML page around `body`."""
    head = f"<meta charset='utf-8'><title>{escape(title)}</title>"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()


def _docx_paragraph(text: str) -> str:
    if text == "\f":
        return '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
    level = len(text) - len(text.lstrip("#"))
    numbering = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>' if text.startswith("- ") else ""
    properties = f'<w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr>' if level else f"<w:pPr>{numbering}</w:pPr>"
    words = text.lstrip("#").removeprefix("- ").strip()
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{escape(words)}</w:t></w:r></w:p>'


def _docx_styles() -> str:
    headings = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/>'
        f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
        for n in range(1, 7)
    )
    return f'<w:styles xmlns:w="{W_NAMESPACE}">{headings}</w:styles>'


def _docx_numbering() -> str:
    def level(index: int, kind: str, text: str) -> str:
        return (
            f'<w:lvl w:ilvl="{index}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
        )

    bullets = level(0, "bullet", "\uf0b7") + level(1, "bullet", "o")
    numbers = level(0, "decimal", "%1.") + level(1, "lowerLetter", "%2)")
    kinds = "".join(
        f'<w:abstractNum w:abstractNumId="{n}">{levels}</w:abstractNum>' for n, levels in ((1, bullets), (2, numbers))
    )
    uses = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>' for n in (1, 2))
    return f'<w:numbering xmlns:w="{W_NAMESPACE}">{kinds}{uses}</w:numbering>'


def _docx_relations(targets: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _docx_content_types(related: Sequence[str]) -> str:
    override = "".join(
        f'<Override PartName="/{name}" ContentType="{_WORD_TYPE}.{_part_kind(name)}+xml"/>' for name in related
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_WORD_TYPE}.document.main+xml"/>{override}</Types>'
    )


def _part_kind(name: str) -> str:
    """`word/header2.xml` is a `header`."""
    stem = name.removeprefix("word/").removesuffix(".xml")
    return "".join(piece for is_digit, group in groupby(stem, str.isdigit) if not is_digit for piece in group)
