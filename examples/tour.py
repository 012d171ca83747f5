"""What `make run` shows: starts `quire up`, takes two PDFs in and asks about one, all through the public HTTP API."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

EXAMPLES = Path(__file__).parent
QUESTION = "What is this PDF about?"
START_LIMIT_S = 180
"""The first start makes the embedding model as well."""
DOCUMENT_LIMIT_S = 300
STOP_LIMIT_S = 30
console = Console(highlight=False)


class TourFailed(Exception):
    """The tour cannot go on; the message says why."""


@contextmanager
def quire_up(*, port: int, data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`quire up` as a child in our own process group, so that Ctrl-C reaches it too; gone when the block is left."""
    quire = Path(sys.executable).parent / "quire"
    up = subprocess.Popen([quire, "up", "--brief", "--port", str(port), "--data-dir", str(data_dir)])
    try:
        yield up
    except KeyboardInterrupt:
        # Ctrl-C reached it as well: a second signal now would cut its orderly stop short.
        with suppress(subprocess.TimeoutExpired):
            up.wait(STOP_LIMIT_S)
        raise
    finally:
        if up.poll() is None:
            up.terminate()
        up.wait()


def wait_until_ready(up: subprocess.Popen[bytes], *, port: int, data_dir: Path) -> httpx.Client:
    """A client with address and key of the service just started, once it says that it is ready."""
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        if up.poll() is not None:
            raise TourFailed("Quire did not start: the reason stands above.")
        if client := _client(data_dir, port=port):
            return client
        time.sleep(0.2)
    raise TourFailed(f"Quire was not ready after {START_LIMIT_S} s: see its messages above, or run `quire doctor`.")


def _client(data_dir: Path, *, port: int) -> httpx.Client | None:
    try:
        written = json.loads((data_dir / "client.json").read_text())
        url, key = written["url"], written["api_key"]
        # An earlier start with another port may have left the file.
        if urlsplit(url).port == port and httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success:
            return httpx.Client(
                base_url=url,
                headers={"Authorization": f"Bearer {key}"},
                timeout=60,
                follow_redirects=True,
                trust_env=False,
            )
    except (OSError, ValueError, KeyError, httpx.TransportError):
        pass
    return None


def upload(client: httpx.Client, path: Path) -> dict[str, Any]:
    """The document that `path` became, or that it already was."""
    with path.open("rb") as file:
        return dict(
            _checked(client.post("/api/ingest/", files={"file": (path.name, file, "application/pdf")}))["document"]
        )


def wait_until_complete(client: httpx.Client, document_id: str, *, progress: Progress, bar: TaskID) -> None:
    """Follow one document to its end."""
    end = time.monotonic() + DOCUMENT_LIMIT_S
    while time.monotonic() < end:
        document = _checked(client.get(f"/api/documents/{document_id}/"))
        if document["status"] == "failed":
            raise TourFailed(f"{document['name']}: {document['error']['message']}")
        is_done = document["status"] == "completed"
        percent = 100 if is_done else (document.get("progress") or {}).get("percent") or 0
        progress.update(bar, completed=percent, stage="searchable" if is_done else document.get("stage") or "queued")
        if is_done:
            return
        time.sleep(0.2)
    raise TourFailed(f"Document {document_id} was not done after {DOCUMENT_LIMIT_S} s.")


def take_in(client: httpx.Client, paths: list[Path]) -> list[str]:
    """Upload all, then wait for all; their ids in the order given."""
    columns = (TextColumn("  {task.description:<16}"), BarColumn(), TextColumn("{task.fields[stage]:<12}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        started = [(upload(client, path)["id"], progress.add_task(path.name, total=100, stage="")) for path in paths]
        for document_id, bar in started:
            wait_until_complete(client, document_id, progress=progress, bar=bar)
    return [document_id for document_id, _ in started]


def ask(client: httpx.Client, document_id: str, question: str) -> None:
    """Print the answer, and the page and words that each citation stands for."""
    begin = time.monotonic()
    answer = _checked(client.post(f"/api/documents/{document_id}/ask/", json={"question": question}))
    took_ms = (time.monotonic() - begin) * 1000
    console.print(f"\n[bold]{question}[/bold]  ({took_ms:.0f} ms)\n")
    console.print(answer["answer"], markup=False)
    for citation in answer["citations"]:
        source = f"  [{citation['number']}] {citation['document_name']}, page {citation['page']}"
        console.print(f"{source}: “{' '.join(citation['quote'].split())}”", markup=False, style="dim")


def tour(up: subprocess.Popen[bytes], *, port: int, data_dir: Path) -> None:
    begin = time.monotonic()
    with wait_until_ready(up, port=port, data_dir=data_dir) as client:
        console.print(f"\nReady after {time.monotonic() - begin:.1f} s. Taking in two documents:")
        first, *_ = take_in(client, [EXAMPLES / "spice.pdf", EXAMPLES / "computers.pdf"])
        ask(client, first, QUESTION)
        key = client.headers["Authorization"].removeprefix("Bearer ")
        console.print(f"\nAnswered {time.monotonic() - begin:.1f} s after the start.")
        console.print(farewell(client, key=key, data_dir=data_dir), markup=False, soft_wrap=True)


def farewell(client: httpx.Client, *, key: str, data_dir: Path) -> str:
    """What a person needs from now on, each thing once, where they look last."""
    lines = [
        f"Address  {client.base_url}",
        f"Sign in  {sign_in_link(data_dir)}   (once; `quire sign-in-link` makes another)",
        f"API key  {key}   (kept in {data_dir / 'client.json'})",
        f"Logs     {data_dir / 'logs'}",
        "Ctrl-C stops everything; it goes on where it was at the next start.",
    ]
    return "\n".join(lines)


def sign_in_link(data_dir: Path) -> str:
    """A link that signs the first person in, once."""
    quire = Path(sys.executable).parent / "quire"
    made = subprocess.run([quire, "--data-dir", data_dir, "sign-in-link"], capture_output=True, text=True, check=True)
    return made.stdout.strip()


def _checked(response: httpx.Response) -> dict[str, Any]:
    """The JSON of a good answer; a problem's own words otherwise."""
    if response.is_success:
        return dict(response.json())
    try:
        problem = response.json()
        raise TourFailed(
            f"{problem.get('code', response.status_code)}: {problem.get('detail') or problem.get('title')}"
        )
    except ValueError:
        raise TourFailed(f"{response.request.url} answered {response.status_code}.") from None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with quire_up(port=options.port, data_dir=options.data_dir) as up:
            tour(up, port=options.port, data_dir=options.data_dir)
            return up.wait()
    except KeyboardInterrupt:
        return 0
    except (TourFailed, OSError, httpx.HTTPError) as error:
        console.print(f"[red]error:[/red] {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
