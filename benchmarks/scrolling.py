"""Measures how a long document scrolls in a browser.

python -m benchmarks.scrolling [--pages 1000]

A whole Quire on a folder of its own reads a made PDF with the hashing embedder; headless Chromium (on PATH) opens it
and scrolls: at a reader's pace, page by page, in a hurry, and by dragging from end to end. Of each it prints the gaps
between frames, those longer than 50 ms, the tasks of 50 ms and more, and what the page holds afterwards. Chromium draws
by CPU here: a busy machine shows in the gaps; in tasks it shows less.
"""

from __future__ import annotations

import argparse
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

from quire.testing.files import make_pdf

QUIRE = Path(sys.executable).parent / "quire"
STARTS_WITHIN_S = 120
READ_WITHIN_S = 900
LINES = 40
WATCH = """() => {
  window.gaps = []; window.tasks = [];
  new PerformanceObserver(list => list.getEntries().forEach(task => window.tasks.push(task.duration)))
    .observe({type: "longtask"});
  let last = performance.now();
  const frame = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
TAKE = """() => {
  const taken = {gaps: window.gaps, tasks: window.tasks};
  window.gaps = []; window.tasks = [];
  return taken;
}"""
DRAG = "(part) => { const box = document.getElementById('text'); box.scrollTop = box.scrollHeight * part; }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="quire-scrolling-", ignore_cleanup_errors=True) as folder,
        _running(Path(folder)) as (url, link),
        sync_playwright() as playwright,
    ):
        address = _read(Path(folder), url, options.pages)
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        page = browser.new_page(base_url=url, viewport={"width": 1280, "height": 800})
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/welcome/")
        _open(page, address)
        _scroll(page, page.context.new_cdp_session(page))
        browser.close()


def _open(page: Page, address: str) -> None:
    began = time.monotonic()
    answer = page.goto(address)
    loaded_ms = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    page.locator("#page-1[data-seen] .layer").wait_for()
    size = len(answer.body()) if answer else 0
    print(f"HTML {size / 1024:.0f} KB; scripts have run after {loaded_ms:.0f} ms")
    print(f"first page with its words after {1000 * (time.monotonic() - began):.0f} ms\n")


def _scroll(page: Page, hand: CDPSession) -> None:
    print("| | frames | gap p50 ms | p95 | longest | gaps > 50 ms | long tasks | longest ms | nodes | pictures | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    page.mouse.move(400, 500)
    page.evaluate(WATCH)
    hand.send("Performance.enable")
    ways: dict[str, Callable[[], None]] = {
        "standing still": lambda: page.wait_for_timeout(2000),
        "at a reader's pace": lambda: _wheel(page, steps=150, px=40, pause_ms=33),
        "a page at a time": lambda: _wheel(page, steps=20, px=1100, pause_ms=400),
        "in a hurry": lambda: _wheel(page, steps=200, px=2500, pause_ms=25),
        "dragged": lambda: _drag(page),
    }
    for name, way in ways.items():
        page.evaluate(TAKE)
        way()
        taken = page.evaluate(TAKE)
        page.wait_for_timeout(1500)
        print(_line(name, taken, _held(page, hand)), flush=True)


def _wheel(page: Page, *, steps: int, px: int, pause_ms: int) -> None:
    for _ in range(steps):
        page.mouse.wheel(0, px)
        page.wait_for_timeout(pause_ms)


def _drag(page: Page) -> None:
    for step in range(100):
        page.evaluate(DRAG, 1 - abs(step - 50) / 50)
        page.wait_for_timeout(30)


def _held(page: Page, hand: CDPSession) -> dict[str, float]:
    metrics = {entry["name"]: entry["value"] for entry in hand.send("Performance.getMetrics")["metrics"]}
    return {
        "nodes": metrics["Nodes"],
        "pictures": page.locator("#text img.picture").count(),
        "heap_mb": metrics["JSHeapUsedSize"] / 2**20,
    }


def _line(name: str, taken: dict[str, list[float]], held: dict[str, float]) -> str:
    gaps, tasks = sorted(taken["gaps"]), taken["tasks"]
    middle, high = gaps[len(gaps) // 2], gaps[len(gaps) * 95 // 100]
    return (
        f"| {name} | {len(gaps)} | {middle:.0f} | {high:.0f} | {gaps[-1]:.0f} | {sum(gap > 50 for gap in gaps)} | "
        f"{len(tasks)} | {max(tasks, default=0):.0f} | {held['nodes']:.0f} | {held['pictures']:.0f} | "
        f"{held['heap_mb']:.1f} |"
    )


def _read(folder: Path, url: str, pages: int) -> str:
    """The address of a document of so many pages, once it is ready."""
    texts = [
        f"# Page {n}\n" + "\n".join(f"Line {m} of page {n} is one of many." for m in range(LINES)) for n in range(pages)
    ]
    key = json.loads((folder / "client.json").read_text())["api_key"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as api:
        told = api.post("/api/ingest/", files={"file": ("long.pdf", make_pdf(texts))}).json()["document"]
        _wait(lambda: _status(api, told["id"]) == "completed", READ_WITHIN_S)
    return f"/documents/{told['id']}/"


def _status(api: httpx.Client, document_id: str) -> Any:
    return api.get(f"/api/documents/{document_id}/").json()["status"]


@contextmanager
def _running(folder: Path) -> Iterator[tuple[str, str]]:
    """Its address, and the first sign-in link."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "up.log"
    command = [str(QUIRE), "up", "--port", str(port), "--data-dir", str(folder)]
    with log.open("wb") as output:
        up = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "QUIRE_EMBEDDER": "hashing"}
        )
    try:
        _wait(lambda: "Sign in:" in log.read_text() or up.poll() is not None, STARTS_WITHIN_S)
        link = re.search(r"Sign in:\s+(\S+)", log.read_text())
        if link is None:
            raise RuntimeError(log.read_text())
        yield f"http://127.0.0.1:{port}", link[1]
    finally:
        up.terminate()
        up.wait(60)


def _wait(is_reached: Callable[[], bool], limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while not is_reached():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.5)


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("There is no Chromium on PATH.")
    return found


if __name__ == "__main__":
    main()
