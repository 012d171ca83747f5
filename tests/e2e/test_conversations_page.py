"""Conversations in a real browser: which documents are asked, what is kept, renamed, deleted, exported and copied."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.test_upload_ask_check import ask, row, upload

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

CUMIN = "Cumin is the dried seed of a herb of the parsley family."
SUMAC = "Sumac is ground from the red berries of a shrub."


@pytest.fixture
def cumin(page: Page, tmp_path: Path) -> Path:
    return taken_in(page, tmp_path / "cumin of e2e.txt", CUMIN)


@pytest.fixture
def sumac(page: Page, tmp_path: Path) -> Path:
    return taken_in(page, tmp_path / "sumac of e2e.txt", SUMAC)


def taken_in(page: Page, path: Path, text: str) -> Path:
    path.write_text(text)
    upload(page, path)
    return path


def earlier(page: Page) -> Locator:
    """The list of conversations, once it is there."""
    page.get_by_role("button", name="Earlier conversations").click()
    page.locator("#talks .talk").first.wait_for()
    return page.locator("#talks")


def test_a_question_to_one_document_is_widened_to_chosen_ones_and_kept_as_it_was_typed(
    page: Page, cumin: Path, sumac: Path
) -> None:
    row(page, cumin.name).get_by_role("link").click()
    page.get_by_label("Your question").fill("From what is sumac ground?")
    choose_while_looking_for_others(page, sumac.name)
    assert all(page.get_by_role("checkbox", name=path.name).is_checked() for path in (cumin, sumac))
    page.get_by_role("button", name="Use these").click()
    page.wait_for_url(re.compile(r"/ask/\?document=.*&document="))
    assert page.get_by_label("Your question").input_value() == "From what is sumac ground?"
    answer = ask(page, "From what is sumac ground?")
    assert SUMAC in (answer.locator(".answer").text_content() or "")
    page.wait_for_url(re.compile(r"/ask/\?conversation="))
    citation = answer.locator("a.cite").first
    citation.hover()
    page.get_by_role("tooltip").get_by_text(SUMAC).wait_for()
    citation.click()
    page.locator("#page-1 mark").get_by_text(SUMAC).wait_for()
    page.go_back()
    page.locator(".exchange[id] .answer").get_by_text(SUMAC).wait_for()
    page.get_by_role("link", name=f"Leave out {cumin.name}").click()
    page.wait_for_url(re.compile(r"/ask/\?document=[^&]+$"))
    assert page.locator(".chip bdi").all_text_contents() == [sumac.name]


def test_to_all_documents_and_back_the_question_goes_along(page: Page, cumin: Path) -> None:
    row(page, cumin.name).get_by_role("link").click()
    room = page.url
    page.get_by_label("Your question").fill("From what is sumac ground?")
    page.locator("#ask [type=submit]:enabled").wait_for()
    page.get_by_role("link", name="All documents").click()
    page.wait_for_url("**/ask/?new")
    page.reload()
    back = page.get_by_role("link", name=f"Back to {cumin.name}")
    back.wait_for()
    page.get_by_label("Your question").fill("Is cumin dried, as sumac is?")
    page.get_by_role("button", name="Choose documents").click()
    page.locator("#choices label").first.wait_for()
    page.get_by_role("button", name="Use these").click()  # none of them
    page.wait_for_url("**/ask/?new=")
    assert page.locator(".exchange").count() == 0
    assert page.get_by_label("Your question").input_value() == "Is cumin dried, as sumac is?"
    back.click()
    page.wait_for_url(room)
    assert page.get_by_label("Your question").input_value() == "Is cumin dried, as sumac is?"


def choose_while_looking_for_others(page: Page, name: str) -> None:
    """Chosen after others were asked for, and before they are there: the list that comes knows nothing of it."""
    held: list[Route] = []
    page.route(re.compile(r"/choices/.*q=nothing"), lambda route: held.append(route))
    page.get_by_role("button", name="Choose documents").click()
    page.get_by_role("checkbox", name=name).wait_for()
    with page.expect_request(re.compile(r"/choices/.*q=nothing")):
        page.get_by_label("Find by name").fill("nothing of that name")
    page.get_by_role("checkbox", name=name).check()
    held.pop().continue_()
    page.locator("#choices").get_by_text("No other document that is ready").wait_for()


def test_conversations_are_opened_renamed_exported_and_deleted_with_undo(page: Page, cumin: Path) -> None:
    row(page, cumin.name).get_by_role("link").click()
    room = page.url.partition("?")[0]
    for question in ("Of what family is cumin?", "Is cumin a seed?"):
        page.goto(f"{room}?new")
        ask(page, question)
    first = earlier(page).locator(".talk").filter(has_text="Of what family is cumin?").last
    first.get_by_role("link").first.click()
    page.locator(".exchange .question").get_by_text("Of what family is cumin?").wait_for()
    assert page.locator(".exchange").count() == 1
    shown = earlier(page).locator(".talk:has([aria-current])")
    shown.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("The cumin family")
    page.get_by_label("New name").press("Enter")
    page.locator("#talks").get_by_role("link", name="The cumin family").first.wait_for()
    with page.expect_download() as download:
        shown.get_by_role("link", name="Export").click()
    exported = download.value.path().read_text()
    assert exported.startswith("# The cumin family\n")
    assert CUMIN.split(" is ")[1] in exported
    shown.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    shown.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").press("Escape")  # which folds the list up and undoes nothing
    page.locator("#talks").wait_for(state="hidden")
    page.goto(room)  # who leaves the page meanwhile has made up their mind
    talks = earlier(page)
    assert talks.get_by_role("link", name="The cumin family").count() == 0
    assert talks.get_by_role("link", name="Is cumin a seed?").count() > 0


def test_deleting_the_conversation_that_is_shown_begins_a_new_one(page: Page, cumin: Path) -> None:
    row(page, cumin.name).get_by_role("link").click()
    page.goto(page.url.partition("?")[0] + "?new")
    ask(page, "Is cumin dried?")
    page.clock.install()
    shown = earlier(page).locator(".talk:has([aria-current])")
    shown.get_by_role("button", name="Delete").click()
    page.locator(".exchange").wait_for(state="detached")
    assert "conversation=" not in page.url
    page.get_by_role("button", name="Undo").click()
    page.locator(".exchange").get_by_text("Is cumin dried?", exact=True).wait_for()
    page.wait_for_url("**/?conversation=*")
    shown.get_by_role("button", name="Delete").click()
    ask(page, "Is cumin a herb?")  # before the other one is gone for good, and not in it
    page.mouse.move(0, 0)
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.clock.run_for(20_000)
    assert deleted.value.status == 204
    page.reload()
    page.locator(".exchange .question").get_by_text("Is cumin a herb?").wait_for()
    assert page.locator(".exchange").count() == 1


def test_an_answer_is_copied_with_its_citations(page: Page, cumin: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row(page, cumin.name).get_by_role("link").click()
    page.goto(page.url.partition("?")[0] + "?new")
    answer = ask(page, "Of what family is cumin?")
    link = answer.locator("a.cite").first.evaluate("link => link.href")
    answer.get_by_role("button", name="Copy with citations").click()
    answer.get_by_role("button", name="✓").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == [
        f"{CUMIN} [1]",
        "",
        f"[1] {cumin.name}, page 1: “{CUMIN}”",
        f"    {link}",
    ]
    read = "navigator.clipboard.read().then(([item]) => item.getType('text/html')).then(blob => blob.text())"
    assert f'<a href="{link.replace("&", "&amp;")}">{cumin.name}, page 1</a>' in page.evaluate(read)


def test_a_copy_that_the_browser_refuses_is_told(page: Page, cumin: Path) -> None:
    page.context.grant_permissions(["geolocation"])  # and nothing else
    row(page, cumin.name).get_by_role("link").click()
    page.goto(page.url.partition("?")[0] + "?new")
    answer = ask(page, "Of what family is cumin?")
    answer.get_by_role("button", name="Copy with citations").click()
    answer.get_by_role("button", name="Your browser does not allow copying").wait_for()


def test_a_question_that_does_not_reach_the_server_stays_and_is_told_in_words(
    forgiving_page: Page, tmp_path: Path
) -> None:
    page = forgiving_page
    row(page, taken_in(page, tmp_path / "cumin of e2e.txt", CUMIN).name).get_by_role("link").click()
    page.locator("#ask [type=submit]:enabled").wait_for()
    page.context.set_offline(True)
    page.get_by_label("Your question").fill("Is anybody there?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("alert").get_by_text("The server cannot be reached.", exact=True).wait_for()
    assert page.get_by_label("Your question").input_value() == "Is anybody there?"
    assert page.locator(".exchange[aria-busy]").count() == 0


def test_a_notice_is_shown_as_soon_as_it_is_streamed(page: Page, cumin: Path) -> None:
    """The answer in its final form is held back: until it comes, only the stream can have shown the notice."""
    held: list[Route] = []
    events = [
        ("notice", {"code": "model_failed", "message": "The model is away: these are your documents' own sentences."}),
        ("token", {"text": CUMIN}),
        ("done", {"conversation_id": "01890000-0000-7000-8000-000000000000"}),
    ]
    stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    page.route("**/ask/", lambda route: route.fulfill(body=stream, content_type="text/event-stream"))
    page.route("**/newest/", lambda route: held.append(route))
    row(page, cumin.name).get_by_role("link").click()
    page.goto(page.url.partition("?")[0] + "?new")
    page.get_by_label("Your question").fill("Anything?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".exchange[aria-busy] .notice").get_by_text("The model is away").wait_for()
    held.pop().fulfill(body='<article class="exchange" id="exchange-1"></article>', content_type="text/html")
    page.locator("#exchange-1").wait_for(state="attached")
