"""What people were promised and what they did, with the moment of each: what the judge and the watcher compare with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.chaos.papers import Paper


@dataclass
class Entry:
    """One document of the service. Its owner writes, the watcher reads."""

    document_id: str
    tenant: int
    papers: dict[int, Paper]
    """By version: all that was ever given to it."""
    wanted: Paper | None = None
    """What it must answer with once all is quiet; None when it must have failed, or be gone."""
    completed_at: float | None = None
    """When its owner saw it completed for the first time: from then on it must answer, until it is deleted."""
    deleted_at: float | None = None


@dataclass
class Ledger:
    """Safe to use from many threads."""

    accepted: list[tuple[str, str]] = field(default_factory=list)
    """Document and task of every 202."""
    answer_s: list[float] = field(default_factory=list)
    """How long each 202 took, of those that came at the first try."""
    violations: list[str] = field(default_factory=list)
    unlucky: dict[str, int] = field(default_factory=dict)
    """Good documents that were failed, by code, and then tried again by their owners."""
    counts: dict[str, int] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry) -> Entry:
        with self._lock:
            return self._entries.setdefault(entry.document_id, entry)

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries.values())

    def of(self, document_id: str) -> Entry | None:
        with self._lock:
            return self._entries.get(document_id)

    def accept(self, document_id: str, task_id: str) -> None:
        with self._lock:
            self.accepted.append((document_id, task_id))

    def count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + by

    def was_unlucky(self, code: str) -> None:
        with self._lock:
            self.unlucky[code] = self.unlucky.get(code, 0) + 1

    def violated(self, rule: str, detail: str) -> None:
        with self._lock:
            self.violations.append(f"{rule}: {detail}")

    @contextmanager
    def timing(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        with self._lock:
            self.answer_s.append(time.monotonic() - began)
