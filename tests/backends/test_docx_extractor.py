"""DOCX: nothing a reader sees is dropped, nothing hidden is read, nothing hostile is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from quire.backends.extractors.docx import DocxExtractor
from quire.core.errors import PermanentError
from quire.core.types import Page
from quire.testing.files import W_NAMESPACE, make_docx, make_docx_of

STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"


SHOWN = '<w:vanish w:val="0"/>'


def read(content: bytes, tmp_path: Path) -> list[Page]:
    path = tmp_path / "file.docx"
    path.write_bytes(content)
    with DocxExtractor().open(path) as extraction:
        return list(extraction.pages())


def text_of(body: str, tmp_path: Path, **parts: str) -> str:
    """The text of a document of this body; `parts` are members of `word/` by stem, without their root's namespace."""
    files = {f"word/{name}.xml": xml.replace(">", f' xmlns:w="{W_NAMESPACE}">', 1) for name, xml in parts.items()}
    return "\f".join(page.text for page in read(make_docx_of(body, parts=files), tmp_path))


def p(inner: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def item(text: str, level: int, numbering: int) -> str:
    return p(r(text), f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbering}"/></w:numPr>')


def table(*rows: tuple[str, ...]) -> str:
    lines = "".join("<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    return f"<w:tbl>{lines}</w:tbl>"


def test_insertions_links_and_controls_are_kept_and_deletions_comments_and_hidden_text_dropped(tmp_path: Path) -> None:
    body = (
        p(
            f"<w:ins>{r('new ')}</w:ins><w:del><w:r><w:delText>old </w:delText></w:r></w:del>"
            f"<w:moveFrom>{r('from ')}</w:moveFrom><w:moveTo>{r('to ')}</w:moveTo>"
            f'<w:hyperlink r:id="rId9">{r("link ")}</w:hyperlink>'
            f"<w:sdt><w:sdtContent>{r('control ')}</w:sdtContent></w:sdt>"
            f"{r('hidden ', '<w:vanish/>')}{r('seen', SHOWN)}"
            '<w:r><w:commentReference w:id="0"/><w:instrText>PAGE</w:instrText></w:r>'
        )
        + f"<w:sdt><w:sdtContent>{p(r('Block control.'))}</w:sdtContent></w:sdt>"
    )
    comments = "<w:comments><w:comment w:id='0'><w:p><w:r><w:t>note</w:t></w:r></w:p></w:comment></w:comments>"
    assert text_of(body, tmp_path, comments=comments) == "new to link control seen\n\nBlock control."


def test_lists_have_their_markers(tmp_path: Path) -> None:
    body = item("one", 0, 2) + item("sub", 1, 2) + item("sub", 1, 2) + item("two", 0, 2) + item("sub", 1, 2)
    body += item("dot", 0, 1) + item("none", 0, 0)
    assert text_of(body, tmp_path) == "1. one\na) sub\nb) sub\n2. two\na) sub\n• dot\n\nnone"


def test_headings_are_known_by_name_outline_level_and_what_their_style_is_based_on(tmp_path: Path) -> None:
    styles = (
        '<w:styles><w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Mine"><w:name w:val="Chapter"/><w:basedOn w:val="berschrift2"/></w:style>'
        '<w:style w:styleId="Loop"><w:name w:val="x"/><w:basedOn w:val="Loop"/></w:style></w:styles>'
    ).replace(">", f' xmlns:w="{W_NAMESPACE}">', 1)
    body = p(r("By name"), '<w:pStyle w:val="berschrift2"/>') + p(r("Based on"), '<w:pStyle w:val="Mine"/>')
    body += p(r("By level"), '<w:outlineLvl w:val="3"/>') + p(r("None"), '<w:pStyle w:val="Loop"/>')
    (page,) = read(make_docx_of(body, parts={"word/styles.xml": styles}), tmp_path)
    assert [(h.text, h.level) for h in page.headings] == [("By name", 2), ("Based on", 2), ("By level", 4)]


def test_tables_are_rows_and_merged_cells_are_read_once(tmp_path: Path) -> None:
    merged = "<w:tcPr><w:vMerge/></w:tcPr>" + p(r("ghost"))
    rows = table(
        (p(r("a")) + p(r("b")), "<w:tcPr><w:vMerge w:val='restart'/></w:tcPr>" + p(r("c"))),
        (p(r("d")), merged),
        (table((p(r("x")), p(r("y")))) + p(""), p(r("e"))),
    )
    assert text_of(rows, tmp_path) == "a b | c\nd |\n| e\nx | y"


def test_a_table_of_one_column_is_a_frame_around_text(tmp_path: Path) -> None:
    assert text_of(table((p(r("First.")) + p(r("Second.")),)), tmp_path) == "First.\n\nSecond."


def test_notes_follow_their_paragraph_with_a_mark(tmp_path: Path) -> None:
    notes = '<w:footnotes><w:footnote w:id="-1" w:type="separator"><w:p><w:r><w:t>---</w:t></w:r></w:p></w:footnote>'
    notes += f'<w:footnote w:id="4">{p(r("The note."))}</w:footnote></w:footnotes>'
    ends = f'<w:endnotes><w:endnote w:id="4">{p(r("The end."))}</w:endnote></w:endnotes>'
    body = p(
        r("Said")
        + '<w:r><w:footnoteReference w:id="4"/></w:r>'
        + r(" so")
        + '<w:r><w:endnoteReference w:id="4"/></w:r>'
    )
    assert text_of(body + p(r("Next.")), tmp_path, footnotes=notes, endnotes=ends) == (
        "Said¹ so²\n\n¹ The note.\n² The end.\n\nNext."
    )


def test_text_boxes_are_read_once_after_their_paragraph(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{p(r('In the box.'))}</w:txbxContent>"
    alternate = f"<AlternateContent><Choice>{box}</Choice><Fallback>{box}</Fallback></AlternateContent>"
    assert text_of(p(r("Around") + f"<w:r>{alternate}</w:r>" + r(" it.")), tmp_path) == "Around it.\n\nIn the box."


def test_headers_come_first_and_footers_last_each_once(tmp_path: Path) -> None:
    header = f"<w:hdr>{p(r('Acme'))}</w:hdr>"
    text = text_of(
        p(r("Body.")), tmp_path, header1=header, header2=header, footer1=f"<w:ftr>{p(r('12'))}{p(r('End'))}</w:ftr>"
    )
    assert text == "Acme\n\nBody.\n\nEnd"


def test_breaks_that_word_saved_are_the_pages(tmp_path: Path) -> None:
    body = p(r("One ") + "<w:r><w:lastRenderedPageBreak/></w:r>" + r("two."))
    body += p('<w:r><w:br w:type="page"/></w:r>') + p("<w:r><w:lastRenderedPageBreak/></w:r>" + r("Three."))
    body += p(r("Four."), "<w:pageBreakBefore/>") + p(r("Last."), "<w:sectPr/>") + p(r("New section."))
    assert text_of(body, tmp_path).split("\f") == ["One", "two.", "Three.", "Four.\n\nLast.", "New section."]


def test_strict_namespaces_are_read_as_well(tmp_path: Path) -> None:
    content = io.BytesIO(make_docx(["# Head", "Body."]))
    out = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(W_NAMESPACE.encode(), STRICT.encode()))
    (page,) = read(out.getvalue(), tmp_path)
    assert page.text == "Head\n\nBody."
    assert [heading.level for heading in page.headings] == [1]


def test_the_title_comes_from_the_properties(tmp_path: Path) -> None:
    path = tmp_path / "file.docx"
    path.write_bytes(make_docx(["Body."], title="Moons & more"))
    with DocxExtractor().open(path) as extraction:
        assert extraction.title == "Moons & more"


ENTITY = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
BOMB = f'<w:document xmlns:w="{W_NAMESPACE}"><w:body>{" " * 30_000_000}</w:body></w:document>'
DEEP = f'<w:document xmlns:w="{W_NAMESPACE}">{"<w:p>" * 100_000}{"</w:p>" * 100_000}</w:document>'


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (f"{ENTITY}<w:document xmlns:w='{W_NAMESPACE}'>&x;</w:document>", "corrupt_file"),
        (BOMB, "zip_bomb"),
        (DEEP, "corrupt_file"),
        ("<w:document", "corrupt_file"),
        ("", "corrupt_file"),
        ("<workbook/>", "corrupt_file"),
        (f'<w:document xmlns:w="{W_NAMESPACE}"><w:body/></w:document>', "no_text"),
    ],
    ids=["entity", "bomb", "deep", "cut", "empty", "another kind", "no text"],
)
def test_hostile_and_broken_documents_are_refused_with_a_sentence(document: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"^[A-Z].*\.$") as refusal:
        read(make_docx_of("", parts={"word/document.xml": document}), tmp_path)
    assert refusal.value.code == code


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    content = make_docx_of("", parts={"word/document.xml": BOMB})
    real = len(BOMB.encode()).to_bytes(4, "little")
    with pytest.raises(PermanentError) as refusal:
        read(content.replace(real, (1000).to_bytes(4, "little")), tmp_path)
    assert refusal.value.code in {"zip_bomb", "corrupt_file"}


def test_parts_are_never_looked_for_outside_the_file(tmp_path: Path) -> None:
    relations = (
        '<Relationships><Relationship Type="x/header" Target="../../../../etc/passwd"/>'
        '<Relationship Type="x/footer" Target="http://127.0.0.1:9/x" TargetMode="External"/></Relationships>'
    )
    content = make_docx_of(p(r("Body.")), parts={})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, relations if name == "word/_rels/document.xml.rels" else old.read(name))
    assert read(out.getvalue(), tmp_path)[0].text == "Body."
