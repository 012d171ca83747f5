"""What people come for, in a real browser: upload, watch, ask, click a citation, see its words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

EXAMPLES = Path(__file__).parents[2] / "examples"
READY_WITHIN_MS = 60_000
QUESTION = "Black pepper is the unripe berry of which climbing vine?"


def row(page: Page, name: str) -> Locator:
    return page.locator("#uploads .row").filter(has_text=name)


def upload(page: Page, path: Path) -> None:
    """Choose a file, and wait until its row says that it is ready, without a reload."""
    page.locator("#files:enabled").set_input_files(path)
    row(page, path.name).get_by_text("Ready", exact=True).wait_for(timeout=READY_WITHIN_MS)


def ask(page: Page, question: str) -> Locator:
    """The whole answer, once it is in its final form."""
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask").click()
    answered = page.locator(".exchange[id]").last
    answered.wait_for(timeout=30_000)
    return answered


def words(text: str | None) -> list[str]:
    return (text or "").split()


def test_upload_ask_and_click_a_citation_and_its_words_are_marked_on_their_page(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    row(page, "spice.pdf").get_by_role("link").click()
    citation = ask(page, QUESTION).locator("a.cite").first
    quote, number = citation.get_attribute("data-quote"), int(citation.get_attribute("data-page") or 0)
    assert quote
    citation.click()
    hits = page.locator(f"#page-{number} .hit")
    hits.first.wait_for()
    page.wait_for_timeout(1000)  # a smooth scroll
    sheet = box_of(page.locator(f"#page-{number}"))
    drawn = [within(box_of(hit), sheet) for hit in hits.all()]
    true = pdfium_boxes(EXAMPLES / "spice.pdf", number, quote)
    assert len(drawn) == len(true)
    assert min(overlap(one, other) for one, other in zip(drawn, true, strict=True)) >= 0.95
    room = box_of(page.locator("#text"))
    assert room[1] <= box_of(hits.first)[1] <= room[3]
    page.keyboard.press("p")
    page.goto(page.url.split("?")[0] + "?view=text")
    page.locator(".exchange[id] a.cite").first.click()
    page.locator(f"#page-{number} mark").first.wait_for()
    marked = page.locator(f"#page-{number} mark").all_text_contents()
    assert words(" ".join(marked)) == words(quote)


def test_the_words_over_a_picture_are_copied_as_they_are_read(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    row(page, "spice.pdf").get_by_role("link").click()
    layer = page.locator("#page-1 .layer")
    layer.wait_for()
    layer.evaluate("layer => getSelection().selectAllChildren(layer)")
    copied = page.evaluate("getSelection().toString()")
    assert "For most of history a few dried seeds, barks and buds were worth carrying" in " ".join(copied.split())
    page.locator("#page-1[data-seen]").wait_for()
    assert page.locator("#page-1 img.picture").evaluate("picture => picture.naturalWidth > 100")


def test_a_word_is_found_and_boxed(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    row(page, "spice.pdf").get_by_role("link").click()
    page.locator("#page-1 .layer").wait_for()  # by then the script listens
    page.get_by_role("button", name="Find", exact=True).click()
    page.locator("#find-words").fill("Ramesses")
    page.locator("#find-words").press("Enter")
    page.locator(".paper .hit").first.wait_for()


def test_a_document_is_asked_and_checked_by_keyboard_alone(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    page.goto(row(page, "spice.pdf").get_by_role("link").first.get_attribute("href") + "?new")  # type: ignore[operator]
    page.get_by_role("button", name="What is this document about?").wait_for()
    page.locator("#ask [type=submit]:enabled").wait_for()
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".exchange[id]").wait_for(timeout=30_000)
    page.keyboard.press("Tab")  # out of the question, where letters are letters
    page.keyboard.press("n")
    page.locator(".hit").first.wait_for()
    cited = page.locator("a.cite[aria-current]")
    cited.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    told = page.get_by_role("tooltip")
    told.wait_for()
    assert words(told.locator("q").text_content()) == words(cited.get_attribute("data-quote"))
    page.keyboard.press("Escape")
    told.wait_for(state="hidden")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Keys").wait_for(state="hidden")


Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def box_of(element: Locator) -> Rectangle:
    box = element.bounding_box()
    assert box
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def within(box: Rectangle, sheet: Rectangle) -> Rectangle:
    """In fractions of the page."""
    width, height = sheet[2] - sheet[0], sheet[3] - sheet[1]
    return (
        (box[0] - sheet[0]) / width,
        (box[1] - sheet[1]) / height,
        (box[2] - sheet[0]) / width,
        (box[3] - sheet[1]) / height,
    )


def pdfium_boxes(path: Path, number: int, quote: str) -> list[Rectangle]:
    """Where PDFium itself says that the words of the quote stand, a box a line, in fractions of the page."""
    with pypdfium2.PdfDocument(path) as document:
        page = document[number - 1]
        text = page.get_textpage()
        every = text.get_text_range()
        found = re.search(r"\s+".join(map(re.escape, quote.split())), every)
        assert found
        lines: list[list[Rectangle]] = []
        for index in range(*found.span()):
            if every[index].isspace():
                continue
            left, bottom, right, top = text.get_charbox(index, loose=True)
            if not lines or abs(lines[-1][-1][1] - bottom) > 3:
                lines.append([])
            lines[-1].append((left, bottom, right, top))
        width, height = page.get_size()
        return [
            (
                min(box[0] for box in line) / width,
                1 - max(box[3] for box in line) / height,
                max(box[2] for box in line) / width,
                1 - min(box[1] for box in line) / height,
            )
            for line in lines
        ]


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Intersection over union."""

    def area(box: Rectangle) -> float:
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    shared = area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    return shared / (area(one) + area(other) - shared)


def test_a_citation_of_the_page_that_asks_everything_opens_its_document_at_the_words(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    page.goto("/ask/")
    citation = ask(page, QUESTION).locator("a.cite").first
    number = citation.get_attribute("data-page")
    citation.click()
    page.wait_for_url(re.compile(r"/documents/"))
    page.locator(f"#page-{number} .hit").first.wait_for()


def test_a_file_whose_name_and_text_are_markup_does_nothing(page: Page, tmp_path: Path) -> None:
    nasty = tmp_path / "<img src=x onerror=alert(1)>.txt"
    nasty.write_text("Saffron <script>alert(2)</script> is <b onclick=alert(3)>red</b> and costs much.")
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message) or dialog.dismiss())  # type: ignore[func-returns-value]
    upload(page, nasty)
    row(page, "onerror").get_by_role("link").click()
    answer = ask(page, "What is this document about?")
    assert "<script>alert(2)</script>" in (answer.text_content() or "")
    assert "<script>alert(2)</script>" in (page.locator("#page-1").text_content() or "")
    assert opened == []


def test_a_file_that_is_refused_says_why_and_stays_until_dismissed(page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "picture.pdf"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    page.locator("#files:enabled").set_input_files(picture)
    refused = page.locator("#sending .row").filter(has_text="picture.pdf")
    refused.get_by_role("alert").filter(has_text="image").wait_for()
    refused.get_by_role("button", name="Dismiss").click()
    refused.wait_for(state="detached")


def test_a_replaced_file_answers_with_its_new_words(page: Page, tmp_path: Path) -> None:
    note, better = tmp_path / "note to replace.txt", tmp_path / "better.txt"
    note.write_text("The warehouse closes at five.")
    better.write_text("The warehouse closes at seven.")
    upload(page, note)
    row(page, note.name).get_by_role("link").click()
    page.locator("#text").get_by_text("closes at five").wait_for()
    page.locator("#new-file:enabled").set_input_files(better)
    page.locator("#text").get_by_text("closes at seven").wait_for(timeout=READY_WITHIN_MS)
    page.locator("#new-file:enabled").set_input_files(better)
    page.get_by_role("alert").filter(has_text="has already").wait_for()
