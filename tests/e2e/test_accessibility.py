"""axe finds nothing against WCAG 2.2 AA on any page, in any of its states, light or dark; and a page is light to load.

axe-core (`axe/`, MPL-2.0) is by Deque Systems; it is a tool of these tests and no part of Quire.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from quire.web.urls import urlpatterns

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response
    from tests.e2e.conftest import Live

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EXAMPLES = Path(__file__).parents[2] / "examples"
READY_WITHIN_S = 90
FIRST_LOAD_BYTES = 150 * 1024
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
NO_PAGES = {
    "sign_out",
    "oidc",
    "oidc_callback",
    "document_rows",
    "document_standing",
    "document_page",
    "document_outline",
    "document_find",
    "document_retry",
    "document_delete",
    "conversations",
    "document_choices",
    "newest_exchange",
    "tenant_switch",
    "key_revoke",
    "member_role",
    "member_remove",
    "invitation_withdraw",
    "end_other_sessions",
}
"""Routes that answer with a fragment or a redirect, which is seen on the pages they are for."""


ELSEWHERE = ("/api/docs/", "/nothing-here/", "/join/made-up/", "/sign-in/AA/made-up/")
"""What is no page of its own: the reference, and what is said where nothing is."""


@pytest.fixture(scope="module")
def documents(live: Live) -> dict[str, str]:
    """The ids of a document that is ready and of one that failed, by status."""
    told = json.loads((live.data_dir / "client.json").read_text())
    with httpx.Client(
        base_url=live.url, headers={"Authorization": f"Bearer {told['api_key']}"}, trust_env=False, timeout=30
    ) as api:
        files = {"spice.pdf": (EXAMPLES / "spice.pdf").read_bytes(), "torn.pdf": b"%PDF-1.7\nand no more"}
        ids = [api.post("/api/ingest/", files={"file": item}).json()["document"]["id"] for item in files.items()]
        return {_ended(api, document_id): document_id for document_id in ids}


def _ended(api: httpx.Client, document_id: str) -> str:
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end:
        status: str = api.get(f"/api/documents/{document_id}/").json()["status"]
        if status != "processing":
            return status
        time.sleep(0.5)
    raise AssertionError("the document did not end")


def test_axe_finds_nothing_on_any_page_light_or_dark(page: Page, live: Live, documents: dict[str, str]) -> None:
    seen: set[str] = set()
    found: list[str] = []
    for name, where in visits(page, live, documents):
        seen.add(name)
        found += findings(page, where)
    other = page.context.new_page()  # which nobody listens to: Chromium calls a 404 an error
    for path in ELSEWHERE:
        other.goto(path)
        found += findings(other, path)
    assert not found, "\n".join(found)
    assert seen == {route.name for route in urlpatterns} - NO_PAGES


def visits(page: Page, live: Live, documents: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Bring the browser to each page in each of its states; yields the route's name, and what is to be seen."""
    page.goto("/")
    page.locator("#uploads .row").first.wait_for()
    yield "library", "the library"
    page.locator("[data-act=choose]").first.check()
    page.locator("[data-act=menu]").first.click()
    page.locator("#row-menu").wait_for()
    yield "library", "a document chosen, its menu open"
    page.goto("/?q=nothing-of-that-name")
    yield "library", "the library without a find"
    page.goto(f"/documents/{documents['completed']}/")
    page.locator("#keys-open").wait_for()
    yield "document", "a document"
    for button in ("Contents", "Thumbnails", "Find"):
        page.get_by_role("button", name=button, exact=True).click()
        yield "document", f"{button} beside a document"
    page.keyboard.press("Escape")
    page.locator("#keys-open").click()
    page.get_by_role("dialog", name="Keys").wait_for()
    yield "document", "the help about keys"
    page.get_by_role("button", name="Close").click()
    _ask(page, "Black pepper is the unripe berry of which climbing vine?")
    yield "document", "a document with an answer"
    page.locator(".exchange[id] a.cite").first.hover()
    yield "document", "the quote of a citation"
    for button, panel in (("Earlier conversations", ".talk"), ("Choose documents", ".choices")):
        page.get_by_role("button", name=button).click()
        page.locator(panel).first.wait_for()
        yield "document", f"{button} above an answer"
    page.goto(f"/documents/{documents['completed']}/?view=text")
    yield "document", "a document as text"
    page.goto(f"/documents/{documents['failed']}/")
    yield "document", "a document that failed"
    page.goto("/ask/")
    _ask(page, "Who sailed to the Moluccas?")
    yield "ask", "an answer from all documents"
    page.locator(".exchange[id] a.cite").first.hover()
    page.get_by_role("tooltip").wait_for()
    yield "ask", "the quote of a citation of an answer from all"
    page.get_by_role("button", name="Earlier conversations").click()
    page.get_by_role("button", name="Rename").first.click()
    yield "ask", "a conversation being renamed"
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Delete").first.click()
    yield "ask", "a conversation that is leaving"
    page.get_by_role("button", name="Undo").click()
    page.goto(f"/ask/?document={documents['completed']}&document={documents['failed']}&document=gone")
    yield "ask", "chosen documents, one of them gone"
    page.goto("/ask/?document=gone")
    yield "ask", "chosen documents that are all gone"
    page.goto("/jobs/")
    yield "jobs", "the jobs"
    page.goto("/settings/keys/")
    page.get_by_label("What is it for?").fill("A program")
    page.get_by_role("button", name="Make a key").click()
    page.locator("#new-key").wait_for()
    yield "keys", "a new key"
    for name in ("members", "usage", "account"):
        page.get_by_role("navigation", name="Settings").get_by_role("link", name=name, exact=False).click()
        page.wait_for_url(f"/settings/{name}/")
        yield name, f"the {name} page"
    for label in ("New password", "The same password again"):
        page.get_by_label(label).fill("short")
    page.get_by_role("button", name="Set the password").click()
    page.locator(".errorlist").wait_for()
    yield "account", "a password that was refused"
    page.goto("/settings/members/")
    page.get_by_role("button", name="Make a link").click()
    invitation = page.locator("#new-link").text_content() or ""
    yield "members", "an invitation"
    page.goto(invitation)
    yield "join", "an invitation for who is signed in"
    page.goto("/welcome/")
    yield "welcome", "the welcome"
    link = live.sign_in_link()
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    yield "sign_in", "the sign-in page"
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.locator("#sign-in-error").wait_for()
    yield "sign_in", "a sign-in that was refused"
    page.goto(link)
    yield "sign_in_by_link", "a sign-in link"
    page.goto(invitation)
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The same password again").fill("short")
    page.get_by_role("button", name="Join").click()
    page.locator(".errorlist").first.wait_for()
    yield "join", "an invitation with what is refused"


def test_the_examples_on_the_keys_page_do_what_they_say(page: Page, tmp_path: Path) -> None:
    page.goto("/settings/keys/")
    page.get_by_label("What is it for?").fill("An example")
    page.get_by_role("button", name="Make a key").click()
    shutil.copy(EXAMPLES / "computers.pdf", tmp_path / "report.pdf")
    for command in ([sys.executable, "-c"], ["bash", "-ec"]):
        program = page.locator("#example-python" if command[0] == sys.executable else "#example-curl").text_content()
        run = subprocess.run(
            [*command, program or ""], cwd=tmp_path, capture_output=True, text=True, timeout=READY_WITHIN_S, check=False
        )
        assert run.returncode == 0, run.stderr
        assert "[1]" in run.stdout, run.stdout


def _ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask").click()
    page.locator(".exchange[id] .sources").last.wait_for(timeout=30_000)


def findings(page: Page, where: str) -> list[str]:
    """What axe has against the page as it stands: on a desktop light and dark, and on a phone."""
    found = []
    for size, scheme in ((DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.evaluate(AXE)  # not by a script tag: the page's policy would not run it
        result: dict[str, Any] = page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
        )
        assert len(result["passes"]) > 10, "axe looked at nothing"
        found += [_sentence(violation, f"{where}, {size['width']} px, {scheme}") for violation in result["violations"]]
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    return found


def _sentence(violation: dict[str, Any], where: str) -> str:
    nodes = "; ".join(f"{node['html'][:160]} ({node['failureSummary']})" for node in violation["nodes"][:4])
    text = f"{where}: {violation['id']} ({len(violation['nodes'])}): {violation['help']}: {nodes}"
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("which", ["library", "document"])
def test_script_and_style_of_a_first_load_are_light(page: Page, documents: dict[str, str], which: str) -> None:
    first = page.context.new_page()
    answers: list[Response] = []
    first.on("response", lambda answer: answers.append(answer))
    first.goto("/" if which == "library" else f"/documents/{documents['completed']}/", wait_until="networkidle")
    weights = {answer.url.partition("/static/")[2]: _bytes(answer) for answer in answers if _is_weighed(answer)}
    total = sum(weights.values())
    ready_ms = first.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"{which}: {ready_ms:.0f} ms until scripts have run, {total} bytes: {sorted(weights.items())}")  # noqa: T201
    assert 0 < total < FIRST_LOAD_BYTES


def _is_weighed(answer: Response) -> bool:
    return answer.request.resource_type in {"script", "stylesheet"}


def _bytes(answer: Response) -> int:
    """Unpacked."""
    return len(answer.body())
