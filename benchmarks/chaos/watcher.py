"""Searches while everything is under attack, and looks at every hit: whole, of one version, alive, and one's own."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from benchmarks.chaos import papers
from benchmarks.chaos.ledger import Entry, Ledger
from benchmarks.chaos.service import Service

ALL = 100
"""The most hits that a search shows; no document of ours has so many chunks."""


@dataclass
class Watcher:
    """Run it in a thread of its own."""

    service: Service
    ledger: Ledger
    rng: random.Random
    searches: int = 0
    hits: int = 0
    answer_s: list[float] = field(default_factory=list)
    _newest_seen: dict[str, int] = field(default_factory=dict)

    def watch(self, stop: threading.Event, *, pause_s: float = 0.1) -> None:
        clients = [self.service.http(tenant, timeout_s=60) for tenant in range(len(self.service.tenants))]
        while not stop.wait(pause_s):
            entries = self.ledger.entries()
            if not entries:
                continue
            entry = self.rng.choice(entries[-60:] if self.rng.random() < 0.7 else entries)
            look = self.rng.choices([self._whole_document, self._whole_tenant, self._foreign], [6, 3, 1])[0]
            try:
                look(clients, entry)
            except httpx.TransportError:  # the web was killed under it
                continue
        for client in clients:
            client.close()

    def look_at_all(self) -> int:
        """Ask for every document once, when all is quiet: each answers whole, or not at all. How many answered."""
        clients = [self.service.http(tenant, timeout_s=60) for tenant in range(len(self.service.tenants))]
        answering = 0
        for entry in self.ledger.entries():
            if entry.deleted_at is not None:
                self._whole_document(clients, entry)
                continue
            hits = self._hits(clients[entry.tenant], entry, within=[entry.document_id])
            expected = Counter(entry.wanted.chunks) if entry.wanted else Counter()
            found = Counter(str(hit["text"]) for hit in hits or [])
            answering += bool(hits)
            if found != expected:
                detail = f"{entry.document_id} answers with {found.total()} chunks of {expected.total()}"
                self.ledger.violated("not as expected", f"{detail}; {entry.wanted}")
        for client in clients:
            client.close()
        return answering

    def _whole_document(self, clients: Sequence[httpx.Client], entry: Entry) -> None:
        was_deleted, was_completed = entry.deleted_at is not None, entry.completed_at is not None
        floor = self._newest_seen.get(entry.document_id, 0)
        hits = self._hits(clients[entry.tenant], entry, within=[entry.document_id])
        if hits is None:
            if not was_deleted and entry.deleted_at is None and entry.wanted is not None:
                self.ledger.violated("vanished", f"{entry.document_id} is 404, and was never deleted")
            return
        if was_deleted:
            self.ledger.violated("deleted but answering", f"{entry.document_id}: {len(hits)} hits")
        if hits:
            self._check_whole(entry, [str(hit["text"]) for hit in hits], floor=floor)
        elif was_completed and entry.deleted_at is None:
            self.ledger.violated("silent", f"{entry.document_id} was completed and has no hits")

    def _check_whole(self, entry: Entry, texts: list[str], *, floor: int) -> None:
        sources = {papers.source_of(text) for text in texts}
        if len(sources) != 1 or None in sources:
            self.ledger.violated("mixed", f"{entry.document_id}: {sources}")
            return
        _, version = sources.pop() or (0, 0)
        paper = entry.papers.get(version)
        if paper is None or Counter(texts) != Counter(paper.chunks):
            self.ledger.violated("half-built or mixed", f"{entry.document_id}: {len(texts)} chunks of {paper}")
        if version < floor:
            self.ledger.violated("old content came back", f"{entry.document_id}: {version} after {floor}")
        self._newest_seen[entry.document_id] = max(version, self._newest_seen.get(entry.document_id, 0))

    def _whole_tenant(self, clients: Sequence[httpx.Client], entry: Entry) -> None:
        self._check_many(self._hits(clients[entry.tenant], entry, within=None) or [], tenant=entry.tenant)

    def _foreign(self, clients: Sequence[httpx.Client], entry: Entry) -> None:
        """Another tenant's words, and another tenant's document by its id."""
        stranger = (entry.tenant + 1) % len(clients)
        if stranger == entry.tenant:
            return
        self._check_many(self._hits(clients[stranger], entry, within=None) or [], tenant=stranger)
        if self._hits(clients[stranger], entry, within=[entry.document_id]) is not None:
            self.ledger.violated("other tenant", f"{entry.document_id} can be asked by a stranger")

    def _check_many(self, hits: list[dict[str, Any]], *, tenant: int) -> None:
        began = self._asked_at
        versions = defaultdict(set)
        for hit in hits:
            entry = self.ledger.of(hit["document_id"])
            if entry is None:  # taken, and its answer is on its way to its owner
                continue
            versions[entry.document_id].add(papers.source_of(hit["text"]))
            if entry.tenant != tenant:
                self.ledger.violated("other tenant", f"{entry.document_id} answers tenant {tenant}")
            if entry.deleted_at is not None and entry.deleted_at < began:
                self.ledger.violated("deleted but answering", entry.document_id)
        for document_id, found in versions.items():
            if len(found) != 1 or None in found:
                self.ledger.violated("mixed", f"{document_id}: {found}")

    def _hits(self, client: httpx.Client, entry: Entry, *, within: list[str] | None) -> list[dict[str, Any]] | None:
        """None when a document asked for does not exist for this client; of an unsure answer, the next one."""
        paper = self.rng.choice(list(entry.papers.values()))
        body = {"query": papers.query_of(paper.number, paper.version), "limit": ALL if within else 20}
        if within:
            body["document_ids"] = within
        while True:
            self._asked_at = time.monotonic()
            answer = client.post("/api/search/", json=body)
            if answer.status_code == 503:
                time.sleep(0.5)
                continue
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                self.ledger.violated("unforeseen answer", f"search: {answer.status_code} {answer.text}")
                return []
            self.searches += 1
            self.answer_s.append(time.monotonic() - self._asked_at)
            found: list[dict[str, Any]] = answer.json()["hits"]
            self.hits += len(found)
            return found

    _asked_at: float = 0.0
