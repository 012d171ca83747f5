"""How the example PDFs look: styles, running header, footnotes, headings with an outline, tables and captions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

WIDTH, HEIGHT = A4
SIDE = 28 * mm
TOP = 28 * mm
BOTTOM = 36 * mm
"""Room for the page number and, above it, for up to three lines of footnotes."""
MEASURE = WIDTH - 2 * SIDE
GREY = HexColor("#5b5b5b")

# Where long words may break. reportlab breaks a word at its soft hyphens; it has no dictionary of its own.
BREAKS = """
al-go-rithm an-a-lyt-i-cal an-tiq-ui-ty ap-prox-i-mate-ly arith-me-tic au-to-mat-ic cal-cu-lat-ing cal-cu-la-tion
car-da-mom char-ac-ter-is-tic chem-i-cal chem-is-try cin-na-mon cin-nam-al-de-hyde com-mer-cial com-mit-tee com-pa-ny
com-pound com-pounds com-put-er com-put-ers com-put-ing con-di-tion-al con-sump-tion cul-ti-va-tion dem-on-stra-tion
dem-on-strat-ed dif-fer-ence dis-cov-ered ec-o-nom-ic elec-tron-ic en-gi-neer en-gi-neer-ing en-gi-neers
es-tab-lished ex-pe-di-tion gov-ern-ment his-to-ri-an his-to-ri-ans im-por-tant in-di-vid-u-al in-for-ma-tion
in-ger-ence in-stru-ment in-struc-tion in-struc-tions in-te-grat-ed in-ven-tion lan-guage lan-guages man-u-fac-tured
math-e-mat-i-cal math-e-ma-ti-cian Med-i-ter-ra-ne-an mem-o-ry mer-chant mer-chants mo-nop-o-ly or-ga-nized
pep-per-corns plan-ta-tion plan-ta-tions Por-tu-guese pro-ces-sor pro-gram pro-gram-mer pro-gram-mers pro-gram-ming
pro-grams pub-lished re-la-tion-al sci-en-tif-ic sep-a-rate soft-ware spec-i-fi-ca-tion sub-rou-tine sub-rou-tines
sub-stance sub-stances syn-the-sis tech-nol-o-gy tran-sis-tor tran-sis-tors un-der-stand-ing Ve-ne-tian
"""
SOFT_HYPHEN = "\u00ad"
BREAKABLE = {word.replace("-", ""): word.replace("-", SOFT_HYPHEN) for word in BREAKS.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What differs from one publication to the other."""

    title: str
    author: str
    subject: str
    accent: Color
    heading_font: str

    def style(self, name: str, **changes: Any) -> ParagraphStyle:
        """One of the named styles below."""
        body: dict[str, Any] = {"fontName": "Times-Roman", "fontSize": 10.6, "leading": 14.4}
        kinds: dict[str, dict[str, Any]] = {
            "body": {"alignment": TA_JUSTIFY, "spaceAfter": 6.5, "embeddedHyphenation": 1, "splitLongWords": 0},
            "column": {"alignment": TA_JUSTIFY, "fontSize": 9.8, "leading": 12.8, "spaceAfter": 5,
                       "embeddedHyphenation": 1, "splitLongWords": 0},
            "h1": {"fontName": self.heading_font, "fontSize": 16, "leading": 20, "spaceBefore": 15, "spaceAfter": 7,
                   "textColor": self.accent, "keepWithNext": 1},
            "h2": {"fontName": self.heading_font, "fontSize": 11.2, "leading": 14, "spaceBefore": 8, "spaceAfter": 4,
                   "keepWithNext": 1},
            "caption": {"fontSize": 9, "leading": 11.6, "textColor": GREY, "alignment": TA_CENTER, "spaceBefore": 4},
            "cell": {"fontSize": 9, "leading": 11.2},
            "head": {"fontSize": 9, "leading": 11.2, "fontName": "Times-Bold", "textColor": HexColor("#ffffff")},
            "note": {"fontSize": 8.4, "leading": 10.4},
            "title": {"fontName": self.heading_font, "fontSize": 25, "leading": 30, "textColor": self.accent},
            "subtitle": {"fontName": "Times-Italic", "fontSize": 13.5, "leading": 18, "textColor": GREY},
        }  # fmt: skip
        return ParagraphStyle(name, **{**body, **kinds[name], **changes})


class Publication(BaseDocTemplate):  # type: ignore[misc]  # reportlab carries no types
    """A PDF that knows its look, and gathers the footnotes and the section of the page being drawn."""

    def __init__(self, path: Path, look: Look) -> None:
        super().__init__(
            str(path), pagesize=A4, title=look.title, author=look.author, subject=look.subject,
            creator="Quire's examples", invariant=1, lang="en-GB",
        )  # fmt: skip
        self.look = look
        self.section = ""
        self.footnotes: list[str] = []
        frame = Frame(SIDE, BOTTOM, MEASURE, HEIGHT - TOP - BOTTOM, 0, 0, 0, 0, id="text")
        self.addPageTemplates(
            [
                PageTemplate("first", [frame], onPageEnd=_draw_first_page),
                PageTemplate("later", [frame], onPageEnd=_draw_page),
            ]
        )

    def handle_documentBegin(self) -> None:
        """Called before each of the passes that `multiBuild` makes."""
        self.section = ""
        super().handle_documentBegin()


def _draw_first_page(canvas: Canvas, doc: Publication) -> None:
    canvas.showOutline()
    canvas.setFont("Times-Roman", 9)
    canvas.setFillColor(GREY)
    canvas.drawCentredString(WIDTH / 2, 15 * mm, str(doc.page))
    _draw_footnotes(canvas, doc)


def _draw_page(canvas: Canvas, doc: Publication) -> None:
    _draw_first_page(canvas, doc)
    y = HEIGHT - 18 * mm
    canvas.setFont("Times-Italic", 9)
    canvas.setFillColor(GREY)
    canvas.drawString(SIDE, y, doc.look.title)
    canvas.drawRightString(WIDTH - SIDE, y, doc.section)
    canvas.setStrokeColor(doc.look.accent)
    canvas.setLineWidth(0.5)
    canvas.line(SIDE, y - 4, WIDTH - SIDE, y - 4)


def _draw_footnotes(canvas: Canvas, doc: Publication) -> None:
    y = 21 * mm
    for note in reversed(doc.footnotes):
        paragraph = Paragraph(note, doc.look.style("note"))
        _, height = paragraph.wrap(MEASURE, BOTTOM)
        paragraph.drawOn(canvas, SIDE, y)
        y += height + 2
    if doc.footnotes:
        canvas.setStrokeColor(GREY)
        canvas.setLineWidth(0.4)
        canvas.line(SIDE, y + 3, SIDE + 45 * mm, y + 3)
    doc.footnotes = []


class Heading(Paragraph):  # type: ignore[misc]  # reportlab carries no types
    """A heading that enters itself in the outline, the contents and the running header when it is drawn."""

    def __init__(self, text: str, look: Look, *, level: int) -> None:
        super().__init__(text, look.style(f"h{level}"))
        self.level = level
        self.label = text

    def draw(self) -> None:
        super().draw()
        canvas, doc = self.canv, self.canv._doctemplate
        key = re.sub(r"\W+", "-", self.label.lower())
        canvas.bookmarkHorizontal(key, 0, self.height + 6)
        canvas.addOutlineEntry(self.label, key, level=self.level - 1, closed=False)
        doc.notify("TOCEntry", (self.level - 1, self.label, doc.page, key))
        if self.level == 1:
            doc.section = self.label


class Footnote(Flowable):  # type: ignore[misc]  # reportlab carries no types
    """Takes no room where it stands; its text is set at the foot of the page it falls on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def wrap(self, *_: float) -> tuple[float, float]:
        return 0, 0

    def draw(self) -> None:
        self.canv._doctemplate.footnotes.append(self.text)


def breakable(text: str) -> str:
    """The same text as a printer sets it: curly apostrophes, and soft hyphens where long words may break."""
    text = re.sub(r"(?<=\w)'", "’", text)
    return re.sub(r"[A-Za-z]{7,}", lambda word: BREAKABLE.get(word.group(), word.group()), text)


def paragraphs(text: str, look: Look, *, style: str = "body") -> list[Flowable]:
    """A paragraph for each block of text between empty lines; `[^mark note]` at a block's end makes a footnote."""
    made: list[Flowable] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        words, *notes = block.split("[^")
        for note in notes:
            mark, said = note.strip().removesuffix("]").split(maxsplit=1)
            words = f"{words.rstrip()}<super>{mark}</super>"
            made.append(Footnote(f"<super>{mark}</super> {breakable(' '.join(said.split()))}"))
        made.append(Paragraph(breakable(" ".join(words.split())), look.style(style)))
    return made


def bullets(items: Iterable[str], look: Look) -> Flowable:
    """A bulleted list."""
    style = look.style("body", spaceAfter=3)
    entries = [ListItem(Paragraph(breakable(" ".join(item.split())), style), leftIndent=16) for item in items]
    return ListFlowable(entries, bulletType="bullet", start="•", bulletFontSize=10, leftIndent=16, spaceAfter=8)


def table(caption: str, rows: Sequence[Sequence[str]], widths: Sequence[float], look: Look) -> Flowable:
    """A table with its caption above; `rows[0]` is the head, `widths` are shares of the measure."""
    cells = [[Paragraph(cell, look.style("cell" if at else "head")) for cell in row] for at, row in enumerate(rows)]
    grid = Table(cells, [MEASURE * share / sum(widths) for share in widths], repeatRows=1)
    grid.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, 0), look.accent),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [HexColor("#ffffff"), HexColor("#f4f1ea")]),
                ("LINEBELOW", (0, -1), (-1, -1), 0.8, look.accent),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
            ]
        )
    )
    return KeepTogether([Spacer(0, 5), Paragraph(caption, look.style("caption", spaceAfter=4)), grid, Spacer(0, 11)])


def figure(drawing: Drawing, caption: str, look: Look) -> Flowable:
    """A drawing with its caption below."""
    drawing.hAlign = "CENTER"
    return KeepTogether([Spacer(0, 6), drawing, Paragraph(caption, look.style("caption")), Spacer(0, 11)])
