"""Takes a picture of every page, light and dark, on a desktop and on a phone, into `docs/screenshots/`.

Starts a Quire of its own on a temporary folder, takes the examples in, asks, and stops it. Needs Chromium on PATH and
the development requirements; the environment (such as QUIRE_MODEL_DIR) is passed on:

    python docs/screenshots.py
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "screenshots"
EXAMPLES = ROOT / "examples"
QUIRE = Path(sys.executable).parent / "quire"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
SCHEMES = ("light", "dark")
QUESTION = "What ransom did Alaric accept for sparing Rome in 408?"
LIMIT_S = 180
QUALITY = 82
"""Of WebP: text stays sharp, and the folder small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running Quire, what it printed at its start, and a client that speaks with its key."""

    url: str
    sign_in_link: str
    api: httpx.Client


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="quire-screenshots-") as folder,
        running(Path(folder)) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        state = _first_visit(browser, service)
        documents = fill(service)
        for (size, pixels), scheme in product(SIZES.items(), SCHEMES):
            context = browser.new_context(
                base_url=service.url,
                viewport={"width": pixels[0], "height": pixels[1]},
                color_scheme=scheme,  # type: ignore[arg-type]
                storage_state=state,  # type: ignore[arg-type]
                reduced_motion="reduce",
                device_scale_factor=1 if size == "desktop" else 2,
            )
            for name in visits(context.new_page(), documents, is_phone=size == "phone"):
                _keep(context.pages[-1], f"{name}-{size}-{scheme}")
            context.close()
        browser.close()
    total = sum(path.stat().st_size for path in TARGET.iterdir())
    print(f"{len(list(TARGET.iterdir()))} pictures, {total / 2**20:.1f} MB, in {TARGET.relative_to(ROOT)}")  # noqa: T201 - what who runs it waits for


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Quire on a folder of its own and a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "up.log"
    with log.open("wb") as output:
        command = [str(QUIRE), "up", "--port", str(port), "--data-dir", str(folder)]
        up = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ})
    try:
        _wait(lambda: up.poll() is not None or "Sign in:" in log.read_text(), "Quire did not start")
        link = re.search(r"Sign in:\s+(\S+)", log.read_text())
        if link is None:
            raise RuntimeError(log.read_text())
        key = json.loads((folder / "client.json").read_text())["api_key"]
        headers = {"Authorization": f"Bearer {key}"}
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as api:
            yield Service(url=url, sign_in_link=link[1], api=api)
    finally:
        up.terminate()
        up.wait(60)


def fill(service: Service) -> dict[str, str]:
    """The examples, notes of other kinds and a file that is torn; returns the ids by name."""
    files = {
        "torn.pdf": b"%PDF-1.7\nand no more",
        "Minutes of the spring meeting.md": b"# Minutes\n\nThe greenhouse opens at eight. Ines keeps the keys.",
        "computers.pdf": (EXAMPLES / "computers.pdf").read_bytes(),
        "spice.pdf": (EXAMPLES / "spice.pdf").read_bytes(),
    }
    ids = {}
    for name, content in files.items():
        ids[name] = service.api.post("/api/ingest/", files={"file": (name, content)}).json()["document"]["id"]

    def are_done() -> bool:
        return all(service.api.get(f"/api/documents/{one}/").json()["status"] != "processing" for one in ids.values())

    _wait(are_done, "the examples were not read in time")
    return ids


def visits(page: Page, documents: dict[str, str], *, is_phone: bool) -> Iterator[str]:
    """Bring the browser to each page as it is best seen; yields the picture's name."""
    page.goto("/")
    page.locator("#uploads .row").first.wait_for()
    yield "library"
    page.goto(f"/documents/{documents['spice.pdf']}/?new")
    page.wait_for_timeout(1500)
    if is_phone:
        yield "reading"
        page.get_by_role("button", name="Questions").click()
    _ask(page, QUESTION)
    if is_phone:
        yield "asking"
    page.locator(".exchange[id] a.cite").first.click()
    page.wait_for_timeout(2500)
    yield "document"
    page.goto("/ask/?new")
    _ask(page, "Which machine read holes in cards?")
    yield "ask"
    page.goto("/jobs/")
    yield "jobs"
    for name in ("keys", "members", "usage", "account"):
        page.goto(f"/settings/{name}/")
        if name == "members":
            page.get_by_role("button", name="Make a link").click()
            page.locator("#new-link").wait_for()
        yield name


def _ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".exchange[id] .sources").last.wait_for(timeout=60_000)


def _first_visit(browser: Browser, service: Service) -> dict[str, object]:
    """Come as the first person does, with pictures of the way in; returns the session."""
    state: dict[str, object] = {}
    for (size, pixels), scheme in product(SIZES.items(), SCHEMES):
        context = browser.new_context(
            base_url=service.url,
            viewport={"width": pixels[0], "height": pixels[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=state or None,  # type: ignore[arg-type]
            device_scale_factor=1 if size == "desktop" else 2,
        )
        page = context.new_page()
        if not state:
            page.goto(service.sign_in_link)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/welcome/")
            state = dict(context.storage_state())
        page.goto("/welcome/")
        _keep(page, f"welcome-{size}-{scheme}")
        page.goto("/")
        _keep(page, f"empty-{size}-{scheme}")
        context.clear_cookies()
        page.goto("/sign-in/")
        _keep(page, f"sign-in-{size}-{scheme}")
        context.close()
    return state


def _keep(page: Page, name: str) -> None:
    with Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))) as picture:
        picture.convert("RGB").save(TARGET / f"{name}.webp", quality=QUALITY, method=6)


def _wait(is_reached: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if is_reached():
                return
        time.sleep(0.5)
    raise TimeoutError(what)


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("There is no Chromium on PATH.")
    return found


if __name__ == "__main__":
    main()
