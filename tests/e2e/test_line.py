"""What waits for its turn, in the library: its place is kept true while others go before it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.test_library_page import READY_WITHIN_MS, choose, note, paused, processes, ready, row

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.e2e.conftest import Live


def test_the_place_in_line_moves_up_as_others_go(live: Live, page: Page, tmp_path: Path) -> None:
    names = ["waits first.txt", "waits second.txt"]
    with paused(processes(live, b"worker")):
        for name in names:
            choose(page, note(tmp_path, name))
            row(page, name).get_by_text("in line").wait_for(timeout=READY_WITHIN_MS)
        last = row(page, names[1])
        last.get_by_text("number 2 in line").wait_for(timeout=READY_WITHIN_MS)
        token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
        gone = page.request.delete(
            f"/api/documents/{row(page, names[0]).get_attribute('data-document')}/",
            headers={"X-CSRFToken": token, "Referer": live.url},
        )
        assert gone.status == 204
        last.get_by_text("next in line").wait_for(timeout=READY_WITHIN_MS)
    ready(page, names[1])
