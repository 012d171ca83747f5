"""The library in a real browser: many files and folders, undo, the keyboard alone, and a server that goes away."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import parts

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request
    from tests.e2e.conftest import Live

READY_WITHIN_MS = 90_000


def row(page: Page, name: str) -> Locator:
    return page.locator("#uploads .row[data-document]:not([hidden])").filter(has_text=name)


def ready(page: Page, name: str) -> None:
    """Wait until the row says so, without a reload."""
    row(page, name).get_by_text("Ready", exact=True).wait_for(timeout=READY_WITHIN_MS)


def choose(page: Page, *paths: Path) -> None:
    page.locator("#files:enabled").set_input_files(paths)


def note(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.write_text(text or f"This is the note called {name}.")
    return path


def focused(page: Page) -> str:
    """What of which row has the focus."""
    here: str = page.evaluate(
        "() => { const here = document.activeElement; return (here.dataset.act ?? '') + ' ' + "
        "(here.closest('.row')?.querySelector('.row-name, p')?.textContent ?? '') }"
    )
    return here.strip()


def test_of_many_files_one_fails_and_one_is_known_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    first = note(tmp_path, "first copy.txt", "The same words in both. " * 2000)
    choose(page, first)
    ready(page, first.name)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/api/ingest/") else None)
    torn = tmp_path / "torn among many.pdf"
    torn.write_bytes(b"%PDF-1.7\nand no more, " + os.urandom(8).hex().encode())
    copy = note(tmp_path, "second copy.txt", first.read_text())
    notes = [note(tmp_path, f"many-{n}.txt") for n in range(8)]
    choose(page, copy, torn, *notes)
    for path in notes:
        ready(page, path.name)
    row(page, torn.name).locator(".row-said").get_by_text("damaged").wait_for(timeout=READY_WITHIN_MS)
    page.locator("#notes").get_by_text(f"In the library already: {first.name}.").wait_for()
    page.locator("#sending .row").first.wait_for(state="detached")
    assert len(sent) == len(notes) + 1
    assert row(page, copy.name).count() == 0
    failed = int(page.locator("#filter-failed [data-count]").inner_text())
    page.locator("#filter-failed").click()
    page.wait_for_url("**/?status=failed")
    row(page, torn.name).wait_for()
    assert page.locator("#uploads .row").count() == failed >= 1
    page.go_back()
    row(page, notes[0].name).wait_for()


def test_an_empty_file_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    empty = tmp_path / "empty.txt"
    empty.touch()
    choose(page, empty)
    page.locator("#sending .row").get_by_role("alert").get_by_text("The file is empty.").wait_for()
    assert sent == []


def test_a_row_that_stands_as_it_stood_is_left_alone(page: Page, tmp_path: Path) -> None:
    path = note(tmp_path, "left alone.txt")
    choose(page, path)
    ready(page, path.name)
    page.clock.install()
    page.reload()
    page.locator("#files:enabled").wait_for()
    html = row(page, path.name).evaluate(
        "row => { row.dataset.waiting = ''; row.isThatOfBefore = true; return row.outerHTML }"
    )
    served = [html, html, html.replace(">Ready<", ">Other<")]
    page.route("**/documents/rows/?*", lambda route: route.fulfill(body=served.pop(0), content_type="text/html"))
    for _ in range(2):
        with page.expect_response("**/documents/rows/?*"):
            page.clock.run_for(6_000)
    assert row(page, path.name).evaluate("row => row.isThatOfBefore") is True
    page.clock.run_for(6_000)
    row(page, path.name).get_by_text("Other").wait_for()
    assert row(page, path.name).evaluate("row => row.isThatOfBefore") is None


def test_of_a_folder_what_quire_reads_is_taken_and_the_rest_named_once(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "deep" / ".git").mkdir(parents=True)
    note(folder / "deep", "in a folder.md")
    note(folder, "also in a folder.txt")
    for name in (".hidden.txt", "deep/.git/config.txt", "picture.png", "deep/another.png", "Makefile"):
        note(folder, name)
    page.locator("#folder:enabled").set_input_files(folder)
    ready(page, "in a folder.md")
    ready(page, "also in a folder.txt")
    page.locator("#notes").get_by_text("3 files of the folder were left out").wait_for()
    assert ".png, without ending" in page.locator("#notes").inner_text()
    for name in ("hidden", "config", "picture"):
        assert page.locator(".row").filter(has_text=name).count() == 0


def test_a_delete_can_be_undone_and_is_done_when_the_page_is_left(page: Page, tmp_path: Path) -> None:
    paths = [note(tmp_path, f"to delete {n}.txt") for n in range(4)]
    choose(page, *paths)
    for path in paths:
        ready(page, path.name)
    boxes = page.locator("#uploads [data-act=choose]")
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    page.get_by_text("3 chosen").wait_for()
    page.locator("#chosen-delete").click()
    assert row(page, "to delete").count() == 1
    page.get_by_text("Deleted 3 documents.").first.wait_for()
    page.get_by_role("button", name="Undo").click()
    assert row(page, "to delete").count() == 4
    name = row(page, "to delete").nth(0).locator(".row-name").inner_text()
    row(page, name).get_by_role("button", name="More for").click()
    page.get_by_role("menuitem", name="Delete").click()
    row(page, name).wait_for(state="hidden")
    page.goto("/jobs/")
    page.goto("/")
    row(page, "to delete").first.wait_for()
    for _ in range(20):  # the call was sent while the page was left, and may still be on its way
        if row(page, name).count() == 0:
            break
        page.wait_for_timeout(500)
        page.goto("/")
        row(page, "to delete").first.wait_for()
    assert (row(page, "to delete").count(), row(page, name).count()) == (3, 0)


def test_by_keyboard_alone_a_document_is_found_renamed_deleted_and_brought_back(page: Page, tmp_path: Path) -> None:
    for path in (note(tmp_path, "keyboard one.txt"), note(tmp_path, "keyboard two.txt")):
        choose(page, path)
        ready(page, path.name)
    page.locator("#find").focus()
    page.keyboard.type("keyboard ")
    page.wait_for_url("**/?q=keyboard")
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page).startswith("open"):
            break
    assert focused(page) == "open keyboard two.txt"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "open keyboard one.txt"
    page.keyboard.press("F2")
    page.keyboard.type("keyboard first")
    page.keyboard.press("Enter")
    row(page, "keyboard first.txt").wait_for()
    page.wait_for_function("document.activeElement.dataset.act === 'open'")
    assert focused(page) == "open keyboard first.txt"
    page.keyboard.press("Delete")
    assert focused(page) == "undo Deleted “keyboard first.txt”."
    page.keyboard.press("Enter")
    assert focused(page) == "open keyboard first.txt"
    for key in ("Tab", "Enter", "End"):  # the menu, its last entry
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.do") == "delete"
    page.keyboard.press("Escape")
    assert focused(page) == "menu keyboard first.txt"


def test_a_server_that_dies_and_comes_back_leaves_no_row_behind(
    live: Live, forgiving_page: Page, tmp_path: Path
) -> None:
    page = forgiving_page  # the server goes away beneath it
    long = note(tmp_path, "long while it dies.txt", " ".join(f"Sentence {n} is about nothing." for n in range(4000)))
    choose(page, long)
    row(page, long.name).wait_for(timeout=READY_WITHIN_MS)
    kill_web(live)
    late = note(tmp_path, "sent while it is dead.txt")
    choose(page, late)
    ready(page, late.name)
    ready(page, long.name)
    page.locator("#lost").wait_for(state="hidden")


def kill_web(live: Live) -> None:
    """As a crash would; what supervises it starts it again."""
    os.kill(processes(live, b"web")[0], signal.SIGKILL)


def processes(live: Live, part: bytes) -> list[int]:
    """Of a part of the service, and those that it forked."""
    ours = f"QUIRE_DATA_DIR={live.data_dir}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if {b"quire", part} <= set(command) and ours in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    assert found, f"no process of {part!r} was found"
    return sorted(found)


@pytest.mark.skipif(parts.IS_S3, reason="files lie in a bucket")
def test_a_file_that_fails_is_tried_again_by_itself_and_by_the_retry_that_is_pressed(
    live: Live, page: Page, tmp_path: Path
) -> None:
    before, names = set(stored(live)), ["damaged one.txt", "damaged two.txt"]
    with paused(processes(live, b"worker")):
        choose(page, *(note(tmp_path, name) for name in names))
        for name in names:
            row(page, name).wait_for(timeout=READY_WITHIN_MS)
        contents = {path: path.read_bytes() for path in set(stored(live)) - before}
        for path in contents:
            path.write_bytes(b"not what was sent")
    assert len(contents) == len(names)
    said = page.locator(".row-said").get_by_text(re.compile(r"Retry \d of 3 in \d s")).first
    said.wait_for(timeout=READY_WITHIN_MS)
    for name in names:
        row(page, name).get_by_text("Failed", exact=True).wait_for(timeout=READY_WITHIN_MS)
        row(page, name).get_by_text("is not the one that was uploaded").wait_for()
    for path, content in contents.items():
        path.write_bytes(content)
    row(page, names[0]).get_by_role("button", name="Retry").click()
    row(page, names[1]).locator("[data-act=choose]").check()
    page.get_by_role("button", name="Retry failed").click()
    for name in names:
        ready(page, name)


def test_from_a_row_its_file_is_replaced(page: Page, tmp_path: Path) -> None:
    old = note(tmp_path, "from the menu.txt", "The harbour opens at six.")
    better = note(tmp_path, "better.txt", "The harbour opens at nine.")
    choose(page, old)
    ready(page, old.name)
    page.on("filechooser", lambda chooser: chooser.set_files(better))
    row(page, old.name).get_by_role("button", name="More for").click()
    with page.expect_response(lambda answer: answer.request.method == "PUT") as sent:
        page.get_by_role("menuitem", name="Replace file").click()
    assert sent.value.status == 202
    ready(page, old.name)
    address = row(page, old.name).get_by_role("link", name=old.name).get_attribute("href")
    said = f"/api{address}pages/1/"
    page.wait_for_function("async said => (await (await fetch(said)).json()).text.includes('at nine')", arg=said)


def test_a_folder_that_is_dropped_is_taken_with_what_is_inside(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "dropped"
    (folder / "deep").mkdir(parents=True)
    note(folder, "in the dropped folder.txt")
    note(folder / "deep", "deep in the dropped folder.md")
    note(folder, "sound.ogg")
    page.locator("#files:enabled").wait_for()  # by then somebody listens
    hand = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 400, "data": data})
        if kind == "dragOver":
            page.get_by_text("Let go to upload").wait_for()
    ready(page, "in the dropped folder.txt")
    ready(page, "deep in the dropped folder.md")
    page.locator("#notes").get_by_text("left out").get_by_text(".ogg").wait_for()


def stored(live: Live) -> list[Path]:
    """The files of all documents."""
    return [path for path in (live.data_dir / "files").rglob("*") if path.is_file()]


@contextmanager
def paused(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
