"""Two people of two tenants at once, each in a browser of their own; one comes by single sign-on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from quire.testing.oidc_server import OidcServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.e2e.conftest import Live

READY_WITHIN_MS = 90_000
HEAR = """() => {
  window.heard = [];
  const events = new EventSource("/api/events/");
  for (const kind of ["document", "deleted"])
    events.addEventListener(kind, event => window.heard.push(JSON.parse(event.data).id));
  return new Promise(resolve => events.onopen = () => resolve(true));
}"""
"""Listens to all that the service pushes to this browser."""


@pytest.fixture
def newcomer(live: Live, chromium: Browser, provider: OidcServer) -> Iterator[Page]:
    """The library of somebody whom the provider of single sign-on vouches for, who was never here."""
    provider.person = {"sub": "77", "email": "grace@example.org", "email_verified": True, "name": "Grace"}
    context = chromium.new_context(base_url=live.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto("/jobs/")
    page.get_by_role("link", name="Sign in with Acme ID").click()
    page.wait_for_url("/jobs/")
    page.get_by_role("link", name="Library").click()
    page.get_by_text("Nothing here yet").wait_for()
    yield page
    context.close()


def test_each_sees_own_rows_own_events_and_own_answers(page: Page, newcomer: Page, tmp_path: Path) -> None:
    people = {"crimson": page, "turquoise": newcomer}
    for person in people.values():
        person.evaluate(HEAR)
    for colour, person in people.items():
        note = tmp_path / f"{colour}.txt"
        note.write_text(f"The door of the vault is painted {colour}.")
        person.locator("#files:enabled").set_input_files(note)
    addresses = {colour: ready(person, colour) for colour, person in people.items()}
    for (colour, person), other in zip(people.items(), reversed(people), strict=True):
        own, foreign = addresses[colour], addresses[other]
        assert person.locator(".row").filter(has_text=other).count() == 0
        heard = person.evaluate("() => window.heard")
        assert id_of(own) in heard
        assert id_of(foreign) not in heard
        assert person.request.get(foreign).status == 404
        person.goto("/ask/")
        person.get_by_label("Your question").fill("What colour is the door of the vault painted?")
        person.get_by_role("button", name="Ask", exact=True).click()
        answer = person.locator(".exchange[id]").last
        answer.get_by_text(f"painted {colour}").first.wait_for(timeout=30_000)
        assert other not in (answer.text_content() or "")
    newcomer.get_by_role("button", name="Sign out").click()
    newcomer.get_by_role("link", name="Sign in with Acme ID").click()
    ready(newcomer, "turquoise")


def ready(page: Page, colour: str) -> str:
    """The address of the document that is called so, once its row says that it is ready, without a reload."""
    row = page.locator("#uploads .row").filter(has_text=f"{colour}.txt")
    row.get_by_text("Ready", exact=True).wait_for(timeout=READY_WITHIN_MS)
    return row.get_by_role("link", name=f"{colour}.txt").get_attribute("href") or ""


def id_of(address: str) -> str:
    return address.strip("/").split("/")[1]
