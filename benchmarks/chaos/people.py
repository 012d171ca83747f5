"""People with documents: each uploads one, changes their mind in one of many ways, and waits for what was promised.

They are as stubborn as a good client: whatever brings no definite answer (no connection, 5xx, 429) is asked again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from benchmarks.chaos import papers
from benchmarks.chaos.ledger import Entry, Ledger
from benchmarks.chaos.papers import Paper
from benchmarks.chaos.service import Service

TRAITS = {"plain": 60, "flaky": 8, "limited": 6, "hopeless": 2, "broken": 3, "crashes": 2, "hoards": 1, "loops": 1}
TRAITS |= {"one_bad_page": 3}
DEEDS = {
    "rest": 40,
    "upload_again": 10,
    "replace": 14,
    "replace_twice": 8,
    "replace_by_broken": 4,
    "delete": 8,
    "delete_at_once": 6,
    "delete_and_upload_again": 10,
}
PATIENCE_S = 600
"""For one document to come to its end under attack: longer is as good as never."""
MAX_RETRIES = 8


class GaveUp(Exception):
    """The service kept a person waiting for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One tenant's member with one document, number `number`, for as long as its story lasts."""

    number: int
    tenant: int
    client: httpx.Client
    ledger: Ledger
    rng: random.Random

    def live(self) -> None:
        trait = _choose(TRAITS, self.rng)
        paper = self._write(1, trait)
        deed = _choose(DEEDS, self.rng) if trait == "plain" else "rest"
        stories: dict[str, Callable[[Paper], None]] = {
            "rest": self._rest,
            "upload_again": self._upload_again,
            "replace": lambda paper: self._replace(paper, 1),
            "replace_twice": lambda paper: self._replace(paper, 2),
            "replace_by_broken": self._replace_by_broken,
            "delete": self._delete,
            "delete_at_once": self._delete_at_once,
            "delete_and_upload_again": self._delete_and_upload_again,
        }
        stories[deed](paper)
        self.ledger.count(f"document {trait}")
        self.ledger.count(deed)

    def _rest(self, paper: Paper) -> None:
        entry = self._upload(paper)
        self._settle(entry, paper)
        if paper.fails_with and paper.trait in {"hopeless", "crashes"}:  # people try again, and it ends the same
            self._ask_for_retry(entry)
            self._settle(entry, paper)

    def _upload_again(self, paper: Paper) -> None:
        entry = self._upload(paper)
        self._expect_same(entry, paper)
        self._settle(entry, paper)
        self._expect_same(entry, paper)

    def _replace(self, paper: Paper, times: int) -> None:
        entry = self._upload(paper)
        if self.rng.random() < 0.7:
            self._settle(entry, paper)
        for version in range(2, 2 + times):
            paper = self._write(version, "plain")
            self._put(entry, paper)
            time.sleep(self.rng.uniform(0, 1.5))
        self._settle(entry, paper)

    def _replace_by_broken(self, paper: Paper) -> None:
        entry = self._upload(paper)
        self._settle(entry, paper)
        broken = self._write(2, "broken")
        self._put(entry, broken)
        self._settle_pending(entry, broken)
        entry.wanted = paper

    def _delete(self, paper: Paper) -> None:
        entry = self._upload(paper)
        self._settle(entry, paper)
        self._forget(entry)

    def _delete_at_once(self, paper: Paper) -> None:
        entry = self._upload(paper)
        time.sleep(self.rng.uniform(0, 2))
        self._forget(entry)

    def _delete_and_upload_again(self, paper: Paper) -> None:
        entry = self._upload(paper)
        if self.rng.random() < 0.5:
            self._settle(entry, paper)
        self._forget(entry)
        second = self._upload(paper)
        if second.document_id == entry.document_id:
            self.ledger.violated("revived", f"{entry.document_id} came back after its delete")
        self._settle(second, paper)

    # What a person can do

    def _write(self, version: int, trait: str) -> Paper:
        pages = 5 if trait in {"crashes", "hoards", "loops", "one_bad_page"} else 0
        return papers.write(self.number, version, self.rng, trait=trait, pages=pages)

    def _upload(self, paper: Paper) -> Entry:
        answer = self._insist("POST", "/api/ingest/", files={"file": (paper.name, paper.content)})
        if answer.status_code not in {200, 202}:
            raise GaveUp(f"upload of {paper.name}: {answer.status_code} {answer.text}")
        body = answer.json()
        document_id = body["document"]["id"]
        self.ledger.accept(document_id, body["task_id"])
        entry = Entry(document_id=document_id, tenant=self.tenant, papers={paper.version: paper}, wanted=_wanted(paper))
        return self.ledger.add(entry)

    def _expect_same(self, entry: Entry, paper: Paper) -> None:
        answer = self._insist("POST", "/api/ingest/", files={"file": (paper.name, paper.content)})
        if answer.json()["document"]["id"] != entry.document_id:
            self.ledger.violated("doubled", f"the same bytes as {entry.document_id} made another document")
        if answer.status_code == 202:  # it had failed, and is tried again
            self.ledger.accept(entry.document_id, answer.json()["task_id"])

    def _put(self, entry: Entry, paper: Paper) -> None:
        entry.papers[paper.version] = paper
        answer = self._insist(
            "PUT", f"/api/documents/{entry.document_id}/file/", files={"file": (paper.name, paper.content)}
        )
        if answer.status_code not in {200, 202}:
            raise GaveUp(f"replacement {paper.name}: {answer.status_code} {answer.text}")
        self.ledger.accept(entry.document_id, answer.json()["task_id"])
        entry.wanted = _wanted(paper)

    def _ask_for_retry(self, entry: Entry) -> None:
        answer = self._insist("POST", f"/api/documents/{entry.document_id}/retry/")
        if answer.status_code == 202:
            self.ledger.accept(entry.document_id, answer.json()["task_id"])
        elif answer.status_code != 409:  # 409: an earlier try was taken though its answer was lost
            raise GaveUp(f"retry of {entry.document_id}: {answer.status_code} {answer.text}")

    def _forget(self, entry: Entry) -> None:
        entry.wanted = None
        answer = self._insist("DELETE", f"/api/documents/{entry.document_id}/")
        entry.deleted_at = time.monotonic()
        if answer.status_code not in {204, 404}:  # 404: an earlier try was taken though its answer was lost
            raise GaveUp(f"delete of {entry.document_id}: {answer.status_code} {answer.text}")
        if self._insist("GET", f"/api/documents/{entry.document_id}/").status_code != 404:
            self.ledger.violated("deleted but there", entry.document_id)

    def _settle(self, entry: Entry, paper: Paper) -> None:
        """Wait for the end, and for a good document that was failed by the attacks, try again."""
        for _ in range(MAX_RETRIES):
            document = self._final(entry)
            error = (document["pending"] or document)["error"]
            if error is None:
                if paper.fails_with:
                    self.ledger.violated("wrong end", f"{paper} completed")
                entry.completed_at = entry.completed_at or time.monotonic()
                return
            if error["code"] in paper.fails_with:
                return
            self.ledger.was_unlucky(error["code"])
            self._ask_for_retry(entry)
        self.ledger.violated("wrong end", f"{paper}, document {entry.document_id}: {error}")

    def _settle_pending(self, entry: Entry, paper: Paper) -> None:
        for _ in range(MAX_RETRIES):
            document = self._final(entry)
            if document["status"] != "completed" or document["pending"] is None:
                break
            if document["pending"]["error"]["code"] in paper.fails_with:
                return
            self.ledger.was_unlucky(document["pending"]["error"]["code"])
            self._ask_for_retry(entry)
        self.ledger.violated("wrong end", f"{paper} in place of a good one, {entry.document_id}: {document}")

    def _final(self, entry: Entry) -> dict[str, Any]:
        """The document once nothing more will happen to it by itself."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = self._insist("GET", f"/api/documents/{entry.document_id}/")
            if not answer.is_success:
                raise GaveUp(f"document {entry.document_id} cannot be seen: {answer.status_code} {answer.text}")
            document: dict[str, Any] = answer.json()
            if document["status"] == "completed":
                entry.completed_at = entry.completed_at or time.monotonic()
            pending = document["pending"]
            if document["status"] != "processing" and (pending is None or (pending["error"] and _is_over(pending))):
                return document
            time.sleep(self.rng.uniform(0.5, 1.5))
        raise GaveUp(f"document {entry.document_id} is {document['stage']} after {PATIENCE_S} s")

    def _insist(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask until there is a definite answer."""
        end = time.monotonic() + PATIENCE_S
        tries = 0
        while time.monotonic() < end:
            tries += 1
            began = time.monotonic()
            try:
                answer = self.client.request(method, path, **more)
            except httpx.TransportError:
                self.ledger.count("requests cut off")
                time.sleep(0.3)
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                if answer.status_code == 202 and tries == 1 and method == "POST":
                    self.ledger.answer_s.append(time.monotonic() - began)
                return answer
            self.ledger.count(f"requests answered {answer.status_code}")
            if answer.status_code == 500 or "Retry-After" not in answer.headers:
                self.ledger.violated("unforeseen answer", f"{method} {path}: {answer.status_code} {answer.text}")
            time.sleep(1)
        raise GaveUp(f"{method} {path} had no definite answer in {PATIENCE_S} s")


def run(
    service: Service, ledger: Ledger, *, seed: int, documents: int, at_once: int, stop: threading.Event
) -> list[threading.Thread]:
    """Start `at_once` people; whoever is done with a document takes the next, until there is none or `stop` is set."""
    numbers = iter(range(1, documents + 1))
    lock = threading.Lock()

    def work() -> None:
        clients = [service.http(tenant, timeout_s=60) for tenant in range(len(service.tenants))]
        while not stop.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            rng = random.Random(f"{seed}/{number}")
            tenant = rng.randrange(len(clients))
            person = Person(number=number, tenant=tenant, client=clients[tenant], ledger=ledger, rng=rng)
            try:
                person.live()
            except Exception as error:  # noqa: BLE001 - whatever ended a person's story is a finding, not the end of the run
                ledger.violated("not served", f"document {number}: {error!r}")
        for client in clients:
            client.close()

    threads = [threading.Thread(target=work, name=f"person-{n}", daemon=True) for n in range(at_once)]
    for thread in threads:
        thread.start()
    return threads


def _wanted(paper: Paper) -> Paper | None:
    return None if paper.fails_with else paper


def _is_over(run: dict[str, Any]) -> bool:
    """Whether a pending run with an error has ended, and is not waiting for its next attempt."""
    return str(run["status"]) == "failed"


def _choose(weights: dict[str, int], rng: random.Random) -> str:
    return rng.choices(list(weights), weights=list(weights.values()))[0]
