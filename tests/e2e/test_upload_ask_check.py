"""What people come for, in a real browser: upload, watch, ask, click a citation, see its words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

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
    quote, number = citation.get_attribute("title"), citation.get_attribute("data-page")
    assert quote
    citation.click()
    mark = page.locator(f"#page-{number} mark").first
    mark.wait_for()
    marked = page.locator(f"#page-{number} mark").all_text_contents()
    assert words(" ".join(marked)) == words(quote)
    page.wait_for_timeout(1000)  # a smooth scroll
    box, room = mark.bounding_box(), page.locator("#text").bounding_box()
    assert box
    assert room
    assert room["y"] <= box["y"] <= room["y"] + room["height"]


def test_a_citation_of_the_page_that_asks_everything_opens_its_document_at_the_words(page: Page) -> None:
    upload(page, EXAMPLES / "spice.pdf")
    page.goto("/ask/")
    citation = ask(page, QUESTION).locator("a.cite").first
    quote = citation.get_attribute("title")
    citation.click()
    page.wait_for_url(re.compile(r"/documents/"))
    assert words(" ".join(page.locator("#text mark").all_text_contents())) == words(quote)


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
