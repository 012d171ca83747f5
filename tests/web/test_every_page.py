"""What holds for every page: who may see it, what it lets a browser run, and whose things it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern

import quire.web
from quire.documents.models import Document
from quire.tenants.services import Caller
from quire.web.urls import urlpatterns

Put = Callable[..., Document]


WEB = Path(quire.web.__file__).parent
TEMPLATES = sorted(WEB.glob("templates/**/*.html"))
OPEN = {"sign_in", "sign_in_by_link", "join", "oidc", "oidc_callback", "sign_out"}
SOME_ID = "01890000-0000-7000-8000-000000000000"
PAGES = [
    "/" + re.sub(r"<int:\w+>", "1", re.sub(r"<uuid:\w+>", SOME_ID, str(route.pattern)))
    for route in urlpatterns
    if isinstance(route, URLPattern) and route.name not in OPEN
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_needs_somebody_signed_in(db: None, path: str, method: str) -> None:
    answer = getattr(Client(), method)(path)
    assert answer.status_code in {302, 405}
    if answer.status_code == 302:
        assert answer.headers["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("path", ["/", "/ask/", "/jobs/", "/settings/keys/", "/sign-in/", "/nothing-here/"])
def test_a_page_lets_the_browser_run_only_our_own_files(browser: Client, path: str) -> None:
    if path == "/sign-in/":
        browser.logout()
    policy = browser.get(path).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_a_template_holds_no_script_style_or_handler_of_its_own(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle\s*=|\son\w+\s*=|javascript:|hx-on|\bjs:", text)
    assert not re.search(r"\|safe\b|autoescape off|mark_safe", text)
    assert not re.search(r"(?:src|href|action)=[\"']\s*(?:https?:)?//", text)


def test_no_module_writes_markup_that_the_server_did_not_make() -> None:
    for module in WEB.glob("static/web/js/*.js"):
        for line in module.read_text().splitlines():
            if "innerHTML" in line or "insertAdjacentHTML" in line:
                assert line.strip().endswith("= await response.text();"), f"{module.name}: {line}"


def test_what_is_shown_to_a_person_is_kept_by_no_cache(browser: Client) -> None:
    assert "no-store" in browser.get("/").headers["Cache-Control"]


def test_another_tenants_document_is_not_there(browser: Client, put: Put, stranger: Caller) -> None:
    theirs = put("Their secret recipe.", owner=stranger)
    for path in ("", "standing/", "pages/1/"):
        assert browser.get(f"/documents/{theirs.id}/{path}").status_code == 404
    for path in ("retry/", "delete/"):
        assert browser.post(f"/documents/{theirs.id}/{path}").status_code == 404
    assert str(theirs.id) not in browser.get(f"/documents/rows/?id={theirs.id}").content.decode()
    assert str(theirs.id) not in browser.get("/?q=notes&sort=size").content.decode()
    theirs.refresh_from_db()
    assert theirs.status == "completed"
