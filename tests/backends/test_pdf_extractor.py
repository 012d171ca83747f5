"""PDF pages: what is read, what goes to OCR, and what is said of pages that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium_c
import pytest
from tests.backends.raw_pdf import line, raw_pdf

from quire.backends.extractors.pdf import PdfExtractor
from quire.backends.extractors.pdf_text import MAX_PAGE_CHARS
from quire.backends.extractors.titles import stated_title
from quire.core.errors import PermanentError
from quire.core.types import Origin, Page
from quire.testing.files import make_encrypted_pdf, make_pdf, make_scan_pdf
from quire.testing.ocr import FakeOcrEngine

GARBAGE = dict.fromkeys("abcdefgh", "\ufffd")
SQUARE = "0 0 400 300 re f\n"


def read(content: bytes, tmp_path: Path, ocr: FakeOcrEngine | None = None) -> list[Page]:
    path = tmp_path / "file.pdf"
    path.write_bytes(content)
    with PdfExtractor(ocr=ocr).open(path) as extraction:
        return list(extraction.pages())


def test_every_run_names_the_characters_that_pdfium_has_there(tmp_path: Path) -> None:
    content = raw_pdf(line("xAxBx") + line("CxCAx", y=150), unicode={"A": "\U0001d465", "B": "ffi", "C": "é", "x": "x"})
    (page,) = read(content, tmp_path)
    assert page.text == "x\U0001d465xffix\néxé\U0001d465x"
    text_page = pypdfium2.PdfDocument(content)[0].get_textpage()
    for run in page.runs:
        for offset in range(run.length):
            unit = pdfium_c.FPDFText_GetUnicode(text_page, run.source + offset)
            assert (
                chr(unit).encode("utf-16-be", "surrogatepass") == page.text[run.start + offset].encode("utf-16-be")[:2]
            )


def test_paragraphs_and_headings_are_told_from_the_layout(tmp_path: Path) -> None:
    body = "\n".join(["This line of the body is set in eleven points and runs to the right margin."] * 4)
    (page,) = read(make_pdf([f"# The Moons\n\n{body}\n\n{body}\n\n## Europa\n{body}"]), tmp_path)
    assert page.text.split("\n\n") == ["The Moons", body, body, "Europa", body]
    assert [(heading.text, heading.level) for heading in page.headings] == [("The Moons", 1), ("Europa", 2)]


def test_text_off_the_page_is_left_out(tmp_path: Path) -> None:
    spread = line("The left half of a spread", x=20, size=12) + line("and its right half", x=420, size=12)
    across = line("A line that goes on and on across the fold", x=250, y=100, size=16)
    left = "/MediaBox[0 0 800 300]/CropBox[0 0 400 300]"
    right = "/MediaBox[0 0 800 300]/CropBox[400 0 800 300]"
    [page] = read(raw_pdf(spread + across, page=left), tmp_path)
    assert page.text.splitlines()[0] == "The left half of a spread"
    assert "right half" not in page.text
    [page] = read(raw_pdf(spread + across, page=right), tmp_path)
    assert page.text.startswith("and its right half")
    assert page.text.endswith("across the fold")
    assert "left half" not in page.text
    assert "A line that" not in page.text


def test_bookmarks_are_the_headings_where_there_are_any(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "book.pdf"
    canvas = Canvas(str(path))
    for title, level in (("Opening", 0), ("The  far side", 1), ("Not on the page", 1)):
        canvas.bookmarkPage(title)
        canvas.addOutlineEntry(title, title, level)
        canvas.drawString(72, 700, "1.2 " + title.upper().replace("  ", " ") if "Not" not in title else "Other words")
        canvas.showPage()
    canvas.save()
    with PdfExtractor(ocr=None).open(path) as extraction:
        headings = [[(h.start, h.level, h.text) for h in page.headings] for page in extraction.pages()]
    assert headings == [[(4, 1, "OPENING")], [(4, 2, "THE FAR SIDE")], []]


def test_labels_are_given_where_they_differ_from_the_number(tmp_path: Path) -> None:
    content = raw_pdf(*[line("text")] * 3, catalog="/PageLabels<</Nums[0<</S/r>>2<</S/D/St 3>>]>>")
    assert [page.label for page in read(content, tmp_path)] == ["i", "ii", ""]


@pytest.mark.parametrize(
    ("stated", "title"),
    [
        ("Annual  Report\x00 2024", "Annual Report 2024"),
        ("Microsoft Word - report final.doc", ""),
        ("untitled", ""),
        ("thesis.dvi", ""),
        ("Document1", ""),
        ("PowerPoint Presentation", ""),
        ("2024-01", ""),
        ("Wordsworth and his time", "Wordsworth and his time"),
    ],
)
def test_titles_that_programs_put_in_are_no_titles(stated: str, title: str) -> None:
    assert stated_title(stated) == title


def test_a_pdf_that_needs_a_password_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        PermanentError, match=r"^This PDF needs a password\. Remove the password and upload it again\.$"
    ) as refusal:
        read(make_encrypted_pdf(), tmp_path)
    assert refusal.value.code == "encrypted"


def test_a_pdf_with_only_an_owner_password_opens(tmp_path: Path) -> None:
    assert read(make_pdf(["Open to read."], owner_password="owner"), tmp_path)[0].text == "Open to read."


@pytest.mark.parametrize("content", [b"%PDF-1.4", raw_pdf()], ids=["nothing", "no pages"])
def test_a_pdf_that_cannot_be_opened_is_corrupt(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"^This PDF ") as refusal:
        read(content, tmp_path)
    assert refusal.value.code == "corrupt_file"


def test_a_page_of_unmapped_glyphs_is_read_by_ocr(tmp_path: Path) -> None:
    ocr = FakeOcrEngine(texts=["Read from the picture."])
    (page,) = read(raw_pdf(line("abcdefgh"), unicode=GARBAGE), tmp_path, ocr)
    assert (page.text, page.origin, page.runs) == ("Read from the picture.", Origin.OCR, ())
    assert [page.text[word.start : word.end] for word in page.words] == page.text.split()


def test_pages_are_drawn_for_ocr_in_grey_at_200_dpi(tmp_path: Path) -> None:
    ocr = FakeOcrEngine()
    read(raw_pdf(SQUARE + "1 g 100 100 50 50 re f", page="/MediaBox[0 0 720 360]"), tmp_path, ocr)
    assert ocr.pictures == [((1000, 2000), 200)]


def test_a_huge_page_is_drawn_at_a_lower_resolution(tmp_path: Path) -> None:
    ocr = FakeOcrEngine()
    read(raw_pdf("0 0 9000 9000 re f", page="/MediaBox[0 0 14400 14400]"), tmp_path, ocr)
    ((height, width), dpi) = ocr.pictures[0]
    assert height * width <= 25_100_000
    assert dpi == 25


def test_only_the_pages_asked_for_are_read(tmp_path: Path) -> None:
    ocr = FakeOcrEngine()
    path = tmp_path / "scan.pdf"
    path.write_bytes(make_scan_pdf(["a", "b", "c"], width_px=200, height_px=100))
    with PdfExtractor(ocr=ocr).open(path) as extraction:
        assert next(extraction.pages(first=2)).number == 2
    assert len(ocr.pictures) == 1


@pytest.mark.parametrize("content", ["", "1 1 1 rg " + SQUARE], ids=["nothing drawn", "drawn white"])
def test_a_blank_page_needs_no_ocr_and_no_warning(content: str, tmp_path: Path) -> None:
    ocr = FakeOcrEngine()
    blank, page = read(raw_pdf(content, line("Text.")), tmp_path, ocr)
    assert (blank.text, blank.warning, ocr.pictures) == ("", "", [])
    assert page.text == "Text."


def test_a_picture_without_text_is_named_in_a_warning(tmp_path: Path) -> None:
    pages = read(raw_pdf(line("Text."), SQUARE + "1 g 9 9 50 50 re f"), tmp_path, FakeOcrEngine(texts=[""]))
    assert [page.warning for page in pages] == ["", "Page 2 is a picture in which no text could be read."]


def test_without_an_engine_the_warning_says_so(tmp_path: Path) -> None:
    (page,) = read(raw_pdf(SQUARE + "1 g 9 9 50 50 re f"), tmp_path)
    assert page.warning.startswith("Page 1 has no text of its own, and no OCR engine")


def test_a_stamp_on_a_scan_does_not_hide_the_scan(tmp_path: Path) -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "stamped.pdf"
    canvas = Canvas(str(path), pagesize=(400, 300))
    canvas.drawImage(ImageReader(Image.linear_gradient("L")), 0, 0, 400, 300)
    canvas.drawString(10, 10, "Copy 7")
    canvas.save()
    (page,) = read(path.read_bytes(), tmp_path, FakeOcrEngine(texts=["The whole page as it was read."]))
    assert page.text == "The whole page as it was read."
    (page,) = read(path.read_bytes(), tmp_path, FakeOcrEngine(texts=[""]))
    assert (page.text, page.warning) == ("Copy 7", "")


def test_a_damaged_page_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    content = raw_pdf(line("First."), line("Second."), line("Third."))
    broken = content.replace(b"7 0 obj\n<</Type/Page/", b"7 0 obj\n<</Type/Xage/").replace(b"7 0 R 9", b"99 0 R 9")
    pages = read(broken, tmp_path)
    assert [page.text for page in pages] == ["First.", "", "Third."]
    assert pages[1].warning == "Page 2 is damaged and could not be read."


def test_more_text_than_a_page_holds_is_cut_with_a_warning(tmp_path: Path) -> None:
    rows = "".join(line("x" * 16_000, y=4 * row, size=1) for row in range(64))
    (page,) = read(raw_pdf(rows, page="/MediaBox[0 0 9000 300]"), tmp_path)
    assert 0.99 * MAX_PAGE_CHARS < len(page.text) <= MAX_PAGE_CHARS
    assert page.warning.startswith("Page 1 holds more text")
