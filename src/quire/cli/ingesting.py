"""The work behind `quire ingest`: upload, follow to the end, show both."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from quire.cli import address
from quire.cli.client import Api, Refused
from quire.cli.errors import Failure
from quire.cli.status import work_of

IN_FLIGHT = 3
POLL_S = 0.3
PATIENCE_S = 60
"""How long an unreachable or overloaded service is asked again: a part that died is back in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one file: `words` for its line."""

    is_good: bool
    words: str


class Ingest:
    """One run over many files. Stops at the next look when `stop` is set."""

    def __init__(self, api: Api, progress: Progress, *, title: str, wait: bool) -> None:
        self._api = api
        self._progress = progress
        self._title = title
        self._wait = wait
        self.stop = threading.Event()

    def take(self, path: Path) -> Taken:
        """Take one file in; a failure is its result, not an error."""
        if self.stop.is_set():
            return Taken(is_good=False, words="not sent")
        bar = self._progress.add_task(path.name, total=100, stage="uploading")
        try:
            sent = self._patiently(lambda: self._send(path))
            document = sent["document"]
            if self._wait:
                document = self._follow(document["id"], bar)
            return self._result(document, is_duplicate=bool(sent.get("duplicate")))
        except (Failure, OSError) as error:
            words = f"{error.code}: {error.message}" if isinstance(error, Failure) else f"unreadable: {error.strerror}"
            return Taken(is_good=False, words=words)
        finally:
            self._progress.remove_task(bar)

    def _send(self, path: Path) -> dict[str, Any]:
        with path.open("rb") as file:
            return self._api.post(
                "/api/ingest/", files={"file": (path.name, file)}, data={"title": self._title} if self._title else {}
            )

    def _follow(self, document_id: str, bar: TaskID) -> dict[str, Any]:
        while True:
            document = self._patiently(lambda: self._api.get(f"/api/documents/{document_id}/"))
            shown = document["pending"] or document
            self._progress.update(bar, completed=shown["progress"]["percent"], stage=_stage(shown))
            if document["status"] != "processing" or self.stop.wait(POLL_S):
                return document

    def _patiently(self, request: Any) -> dict[str, Any]:
        """Ask again while the service restarts or says how long to wait."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return dict(request())
            except Failure as failure:
                retry_after_s = failure.retry_after_s if isinstance(failure, Refused) else 1.0
                may_pass = failure.code == "unreachable" or (isinstance(failure, Refused) and retry_after_s)
                if not may_pass or time.monotonic() > end or self.stop.wait(min(retry_after_s or 1.0, 10)):
                    raise

    def _result(self, document: dict[str, Any], *, is_duplicate: bool) -> Taken:
        if document["status"] == "failed":
            error = document["error"]
            return Taken(is_good=False, words=f"{error['code']}: {error['message']}")
        if document["status"] == "processing":
            return Taken(is_good=not self._wait or not self.stop.is_set(), words=f"taken in  {document['id']}")
        known = "known already, " if is_duplicate else ""
        warnings = f", {count(len(document['warnings']), 'warning')}" if document["warnings"] else ""
        size = f"{count(document['pages'], 'page')}, {count(document['chunks'], 'chunk')}"
        took = f" in {document['timings'].get('total_s', 0):.1f} s" if not is_duplicate else ""
        return Taken(is_good=True, words=f"{known}{size}{took}{warnings}  {document['id']}")


def take_in(files: Sequence[Path], *, title: str, wait: bool) -> int:
    """Take all files in, a line for each as it ends. Returns how many failed."""
    api = Api(address.find())
    api.get("/api/documents/", status="failed")  # a wrong key or address is one error, not one for each file
    errors = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[stage]}"))
    with Progress(*columns, TimeElapsedColumn(), console=errors, transient=True) as progress:
        run = Ingest(api, progress, title=title, wait=wait)
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="ingest") as pool:
            try:
                results = [_printed(path, taken) for path, taken in zip(files, pool.map(run.take, files), strict=True)]
            except KeyboardInterrupt:
                run.stop.set()
                raise
    api.close()
    return sum(not taken.is_good for taken in results)


def _printed(path: Path, taken: Taken) -> Taken:
    mark = "✓" if taken.is_good else "✗"
    Console(highlight=False, soft_wrap=True).print(f"{mark} {path.name}  {taken.words}", markup=False)
    return taken


def count(number: int, noun: str) -> str:
    """A number with its noun, in the singular or the plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _stage(run: dict[str, Any]) -> str:
    if run["retry_at"] and run["error"]:
        return f"waiting to try again: {run['error']['message']}"
    return work_of(run)
