"""What people come for, in a real browser: upload, watch, ask, click a citation, see its words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.boxes import drawn, overlap, pdfium_lines

from quire.testing.files import make_docx, make_pdf, make_scan_of

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


def in_view(page: Page, hit: Locator) -> None:
    """Wait until it lies in what is seen of the document: the way there may be smooth."""
    page.wait_for_function(
        """hit => {
          const room = document.getElementById("text").getBoundingClientRect(), box = hit.getBoundingClientRect();
          return room.top <= box.top && box.bottom <= room.bottom
        }""",
        arg=hit.element_handle(),
    )


def words(text: str | None) -> list[str]:
    return (text or "").split()


def test_upload_ask_and_click_a_citation_and_its_words_are_marked_on_their_page(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    row(page, "spice.pdf").locator(".row-main").click()  # beside the name
    citation = ask(page, QUESTION).locator("a.cite").first
    quote, number = citation.get_attribute("data-quote"), int(citation.get_attribute("data-page") or 0)
    assert quote
    citation.click()
    hits = page.locator(f"#page-{number} .hit")
    hits.first.wait_for()
    shown = drawn(page.locator(f"#page-{number}"))
    true = pdfium_lines(EXAMPLES / "spice.pdf", number, quote)
    assert len(shown) == len(true)
    assert min(map(overlap, shown, true)) >= 0.95
    in_view(page, hits.first)
    page.keyboard.press("p")
    page.goto(page.url.split("?")[0] + "?view=text")
    page.locator(".exchange[id] a.cite").first.click()
    page.locator(f"#page-{number} mark").first.wait_for()
    marked = page.locator(f"#page-{number} mark").all_text_contents()
    assert words(" ".join(marked)) == words(quote)


SCANNED = """# Of the harbour office

The inventory of the harbour office was taken in the spring of 1889 by two clerks who did not like each other. They
counted the anchors twice, the ropes once, and the barrels of tar not at all, since nobody would enter the shed.

Copper sheathing was kept beside the loft of the sailmaker, where the damp could not reach it before the summer of
1891. It was then sold to the yard at Portsmouth for nine hundred pounds."""


def test_of_a_scan_the_cited_words_are_boxed_where_their_ink_lies(page: Page, tmp_path: Path) -> None:
    printed, scan = tmp_path / "printed.pdf", tmp_path / "harbour office.pdf"
    printed.write_bytes(make_pdf([SCANNED]))
    scan.write_bytes(make_scan_of(printed.read_bytes()))
    upload(page, scan)
    row(page, scan.name).get_by_role("link").click()
    citation = ask(page, "Where was the copper sheathing kept?").locator("a.cite").first
    quote = citation.get_attribute("data-quote") or ""
    citation.click()
    page.locator("#page-1 .hit").first.wait_for()
    shown, true = drawn(page.locator("#page-1")), pdfium_lines(printed, 1, quote, is_ink=True)
    assert len(shown) == len(true) > 1
    assert min(map(overlap, shown, true)) >= 0.95
    layer = page.locator("#page-1 .layer")
    layer.wait_for()
    layer.evaluate("layer => getSelection().selectAllChildren(layer)")
    assert words(quote) in sliding(words(page.evaluate("getSelection().toString()")), len(words(quote)))


def sliding(every: list[str], count: int) -> list[list[str]]:
    return [every[start : start + count] for start in range(len(every))]


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


def test_on_a_documents_page_too_a_moment_is_counted_down_to(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    row(page, "spice.pdf").get_by_role("link").click()
    page.locator("#page-1 .layer").wait_for()  # by then the script listens
    page.evaluate(
        """() => document.getElementById("text").insertAdjacentHTML("afterbegin",
             '<p class="row-said" data-left="100" data-said="Retry 1 of 3 in {s} s"></p>')"""
    )
    page.get_by_text(re.compile("Retry 1 of 3 in (9[0-8]|[1-8][0-9]) s")).wait_for()


def test_a_word_is_found_and_boxed(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    row(page, "spice.pdf").get_by_role("link").click()
    page.locator("#page-1 .layer").wait_for()  # by then the script listens
    page.get_by_role("button", name="Find", exact=True).click()
    page.locator("#find-words").fill("Ramesses")
    page.locator("#find-words").press("Enter")
    page.locator(".paper .hit").first.wait_for()


def test_by_keyboard_alone_a_document_is_uploaded_opened_asked_and_checked(page: Page, tmp_path: Path) -> None:
    keyed = tmp_path / "by keys.pdf"
    keyed.write_bytes(make_pdf(["Black pepper is the unripe berry of a climbing vine, Piper nigrum, of Malabar."]))
    page.on("filechooser", lambda chooser: chooser.set_files(keyed))
    page.locator("#files:enabled").wait_for()
    tab_to(page, "#files")
    page.keyboard.press("Enter")
    row(page, keyed.name).get_by_text("Ready", exact=True).wait_for(timeout=READY_WITHIN_MS)
    tab_to(page, "a.row-name")
    page.keyboard.press("Enter")
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


def test_a_citation_of_the_page_that_asks_everything_opens_its_document_at_the_words(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    page.goto("/ask/?new")
    citation = ask(page, QUESTION).locator("a.cite").first
    number = citation.get_attribute("data-page")
    page.keyboard.press("Tab")  # out of the question, where letters are letters
    page.keyboard.press("n")
    page.get_by_role("tooltip").get_by_text(citation.get_attribute("data-quote") or "").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_text("Next and previous citation").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/documents/"))
    page.locator(f"#page-{number} .hit").first.wait_for()
    page.get_by_role("link", name="Back to the answer").click()
    page.wait_for_url(re.compile(r"/ask/\?conversation=.*#exchange-"))
    page.locator(".exchange .question").get_by_text(QUESTION).wait_for()


def tab_to(page: Page, selector: str) -> None:
    """As somebody without a mouse comes to it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


MARKUP = "<script>alert(2)</script> is <b onclick=alert(3)>red</b> <img src=x onerror=alert(4)> {{ 7*7 }}"


@pytest.mark.parametrize("kind", ["txt", "docx", "pdf"])
def test_a_file_whose_name_and_text_are_markup_does_nothing_on_any_page(page: Page, tmp_path: Path, kind: str) -> None:
    text = f"Saffron of {kind} {MARKUP} and costs much."
    nasty = tmp_path / f"<img src=x onerror=alert(1)> & {kind}.{kind}"
    nasty.write_bytes({"txt": str.encode, "docx": lambda text: make_docx([text]), "pdf": as_pdf}[kind](text))
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message) or dialog.dismiss())  # type: ignore[func-returns-value]
    upload(page, nasty)
    row(page, nasty.name).get_by_role("link").click()
    address = page.url
    answer = ask(page, f"What of {kind} costs much?")
    answer.get_by_text("<script>alert(2)</script>").first.wait_for()
    answer.locator("a.cite").first.hover()
    page.get_by_role("tooltip").get_by_text("<script>alert(2)</script>").wait_for()
    page.locator("#page-1 .layer, #page-1 .sheet-text").get_by_text("alert(2)").first.wait_for()
    page.goto(f"{address}?view=text&quote=%3Cscript%3E")
    page.locator("#page-1 mark").get_by_text("<script>").wait_for()
    page.goto("/jobs/")
    page.get_by_role("link", name=nasty.name).wait_for()
    page.goto("/")
    row(page, nasty.name).get_by_role("button", name="More for").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_text(f"Deleted “{nasty.name}”.").first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert opened == []


def as_pdf(text: str) -> bytes:
    return make_pdf([text], title=MARKUP)


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
