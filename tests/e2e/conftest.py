"""A running Quire (`quire up` on a folder of its own) and a real browser, signed in by a link."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests import parts

from quire.testing import oidc_server
from quire.testing.oidc_server import OidcServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

START_LIMIT_S = 120
QUIRE = Path(sys.executable).parent / "quire"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A running service, and the folder it lives in."""

    url: str
    data_dir: Path
    environ: dict[str, str]

    def sign_in_link(self) -> str:
        """An unused one."""
        command = [QUIRE, "--data-dir", str(self.data_dir), "sign-in-link"]
        made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=self.environ)
        return made.stdout.split()[-1]


@pytest.fixture(scope="session")
def provider() -> Iterator[OidcServer]:
    """Single sign-on; who comes from it for the first time gets a tenant of their own."""
    with oidc_server.serving() as server:
        yield server


@pytest.fixture(scope="session")
def live(provider: OidcServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """All of Quire, as a person starts it."""
    data_dir = tmp_path_factory.mktemp("live")
    port = _free_port()
    log = data_dir / "up.log"
    command = [QUIRE, "up", "--port", str(port), "--data-dir", str(data_dir)]
    environ = {**os.environ, **parts.of_service(), **_single_sign_on(provider)}
    with log.open("wb") as output:
        up = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environ)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(up, url, log)
        yield Live(url=url, data_dir=data_dir, environ=environ)
    finally:
        up.terminate()
        up.wait(60)


@pytest.fixture(scope="module")  # not longer: while it is open Django takes this thread for an asynchronous one
def chromium() -> Iterator[Browser]:
    """Debian's headless Chromium; the tests are skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cookies() -> list[Any]:
    """Of whoever signed in last, for the next test: a link takes seconds to make."""
    return []


@pytest.fixture
def forgiving_page(live: Live, chromium: Browser, cookies: list[Any]) -> Iterator[Page]:
    """The library, of somebody who is signed in."""
    context = chromium.new_context(base_url=live.url, viewport={"width": 1280, "height": 800})
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto("/")
    if "/sign-in/" in page.url:
        page.goto(live.sign_in_link())
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(r"/(welcome/)?$"))  # the first one is asked for a password
        page.goto("/")
        cookies[:] = context.cookies()
    yield page
    context.close()


@pytest.fixture
def page(forgiving_page: Page) -> Iterator[Page]:
    """The same. Anything that the page complains of fails the test."""
    complaints: list[str] = []
    forgiving_page.on("pageerror", lambda error: complaints.append(str(error)))
    forgiving_page.on(
        "console", lambda said: complaints.append(said.text) if is_complaint(said.type, said.text) else None
    )
    forgiving_page.reload()
    yield forgiving_page
    forgiving_page.context.close()
    assert complaints == []


def _single_sign_on(provider: OidcServer) -> dict[str, str]:
    known = {f"QUIRE_{name.upper()}": value for name, value in provider.settings().items()}
    return known | {"QUIRE_OIDC_NAME": "Acme ID", "QUIRE_OIDC_NEWCOMERS": "own"}


def is_complaint(kind: str, text: str) -> bool:
    """Chromium also calls it an error when the server refuses a file (415), which is part of a test."""
    return kind == "error" and "status of 415" not in text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(up: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and up.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success:
                return
        time.sleep(0.3)
    raise AssertionError(f"Quire did not start:\n{log.read_text()}")
