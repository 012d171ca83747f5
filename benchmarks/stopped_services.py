"""Takes each service away for 30 s while people upload, ask and read: what they see, and how all ends.

python -m benchmarks.stopped_services [--seconds 30] [--only Redis] [--how hangs] [--json FILE]

A whole Quire of real processes on PostgreSQL, Redis, S3, Gemini and Pinecone (the last three are stand-ins that speak
their protocols). Each hangs (SIGSTOP), then refuses connections (SIGKILL, started again). Prints Markdown tables. Ends
with 1 when a document was lost, doubled or stuck, did not complete in the end, or an answer had no sentence.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from benchmarks.chaos import papers
from benchmarks.chaos.outages import SERVICES, How, Scene, staged
from benchmarks.chaos.papers import Paper

EVERY_S = 2.0
"""Each of the things people do is begun so often, whether or not those before are answered."""
BEFORE_S = 6
CLIENT_TIMEOUT_S = 90
END_WITHIN_S = 240
PAGES = 4
DEEDS = ("upload", "question", "library", "document's page")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody saw: a status with its code, 0 when there was no answer at all."""

    deed: str
    status: int
    code: str
    seconds: float
    is_sound: bool
    """An answer, or a refusal that says in a sentence what is the matter and when to come back."""


@dataclass
class Case:
    """One service taken away once, and what came of it."""

    service: str
    how: str
    answers: list[Answer] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)
    """How often a document under way was seen to wait for, or to have met, this."""
    taken: dict[str, Paper] = field(default_factory=dict)
    refused: list[Paper] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    done_after_s: float = 0.0
    completed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class Run:
    """People at work: a few things begun every two seconds, in threads of their own."""

    scene: Scene
    known: str
    """A document that was complete beforehand: the one that is asked and read."""
    rng: random.Random

    def case(self, service: str, how: How, *, seconds: float) -> Case:
        case = Case(service, how)
        with ThreadPoolExecutor(max_workers=120) as crowd:
            under_way = self._let_work(Case("", ""), crowd, BEFORE_S, kept_by=case)
            with self.scene.without(service, how):
                under_way += self._let_work(case, crowd, seconds, kept_by=case)
            back = time.monotonic()
            self._watch_until_ended(case)
            for each in under_way:
                each.result()
            self._watch_until_ended(case)
            case.done_after_s = time.monotonic() - back
        self._judge(case)
        return case

    def _let_work(self, case: Case, crowd: ThreadPoolExecutor, seconds: float, *, kept_by: Case) -> list[Future[None]]:
        begun, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            begun += [crowd.submit(self._upload, case, kept_by, self._write())]
            begun += [crowd.submit(self._ask, case), crowd.submit(self._look, case, "library", "/")]
            begun += [crowd.submit(self._look, case, DEEDS[3], f"/documents/{self.known}/")]
            begun += [crowd.submit(self._see_standing, case)]
            time.sleep(EVERY_S)
        return begun

    def _write(self) -> Paper:
        return papers.write(next(_numbers), 1, self.rng, pages=PAGES)

    def _upload(self, case: Case, kept_by: Case, paper: Paper) -> None:
        answer = self._request(
            case, "upload", self.scene.api, "POST", "/api/ingest/", files={"file": (paper.name, paper.content)}
        )
        if answer is not None and answer.status_code == 202:
            kept_by.taken[answer.json()["document"]["id"]] = paper
        else:
            kept_by.refused.append(paper)

    def _ask(self, case: Case) -> None:
        question = {"question": papers.query_of(0, 1, self.rng.randint(1, PAGES))}
        self._request(case, "question", self.scene.api, "POST", f"/api/documents/{self.known}/ask/", json=question)

    def _look(self, case: Case, deed: str, path: str) -> None:
        self._request(case, deed, self.scene.browser, "GET", path)

    def _request(
        self, case: Case, deed: str, client: httpx.Client, method: str, path: str, **more: Any
    ) -> httpx.Response | None:
        began = time.monotonic()
        try:
            answer = client.request(method, path, **more)
        except httpx.TransportError as error:
            case.answers.append(_answer(deed, 0, type(error).__name__, began))
            return None
        case.answers.append(_answer(deed, answer.status_code, _code(answer), began, is_sound=_is_sound(answer)))
        return answer

    def _see_standing(self, case: Case) -> None:
        try:
            answer = self.scene.api.get("/api/documents/", params={"status": "processing"})
        except httpx.TransportError:
            return
        for document in answer.json()["results"] if answer.is_success else ():
            waits, error = document["waiting_for"], (document["error"] or {}).get("code")
            if waits or error:
                case.shown[f"waiting for {waits}" if waits else f"`{error}`, tried again"] += 1

    def _watch_until_ended(self, case: Case) -> None:
        end = time.monotonic() + END_WITHIN_S
        while time.monotonic() < end:
            answer = self._asked_again("GET", "/api/documents/", params={"status": "processing"})
            if not answer.json()["results"]:
                return
            self._see_standing(case)
            time.sleep(0.5)
        case.problems.append(f"stuck: {[d['id'] for d in answer.json()['results']]}")

    def _judge(self, case: Case) -> None:
        """Who was refused uploads again, who failed tries again, and then everything is there once, and whole."""
        case.problems += sorted({f"{a.deed}: {a.status} {a.code}" for a in case.answers if not a.is_sound})
        for document_id in case.taken:
            document = self._asked_again("GET", f"/api/documents/{document_id}/").json()
            if document["status"] == "failed":
                case.failed[document["error"]["code"]] += 1
                self._asked_again("POST", f"/api/documents/{document_id}/retry/")
        for paper in case.refused:
            answer = self._asked_again("POST", "/api/ingest/", files={"file": (paper.name, paper.content)})
            case.taken[answer.json()["document"]["id"]] = paper
        self._watch_until_ended(case)
        for document_id, paper in case.taken.items():
            self._check(case, document_id, paper)

    def _check(self, case: Case, document_id: str, paper: Paper) -> None:
        document = self._asked_again("GET", f"/api/documents/{document_id}/").json()
        if document["status"] != "completed":
            case.problems.append(f"lost: {paper.name} is {document['status']} {document['error']}")
            return
        twins = self._asked_again("GET", "/api/documents/", params={"q": paper.name}).json()["results"]
        body = {"query": papers.query_of(paper.number, 1), "document_ids": [document_id], "limit": 100}
        hits = self._asked_again("POST", "/api/search/", json=body).json()["hits"]
        if len(twins) != 1:
            case.problems.append(f"doubled: {paper.name} is there {len(twins)} times")
        if len(hits) != document["chunks"] or {papers.source_of(hit["text"]) for hit in hits} != {(paper.number, 1)}:
            case.problems.append(f"mixed: {paper.name} answers with {len(hits)} of {document['chunks']} chunks")
        case.completed += 1

    def _asked_again(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The first definite answer."""
        end = time.monotonic() + END_WITHIN_S
        while time.monotonic() < end:
            try:
                answer = self.scene.api.request(method, path, **more)
            except httpx.TransportError:
                continue
            if answer.status_code < 500:
                return answer
            time.sleep(0.5)
        raise TimeoutError(f"{method} {path} is not answered")


def _answer(deed: str, status: int, code: str, began: float, *, is_sound: bool = False) -> Answer:
    return Answer(deed=deed, status=status, code=code, seconds=time.monotonic() - began, is_sound=is_sound)


def _code(answer: httpx.Response) -> str:
    """The code of a problem, or of what an answer gives notice of."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return ""
    body = answer.json()
    return str((body.get("notice") or body).get("code", ""))


def _is_sound(answer: httpx.Response) -> bool:
    is_refusal = answer.status_code == 503 and "Retry-After" in answer.headers
    return answer.is_success or is_refusal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="for which each service is away")
    parser.add_argument("--only", choices=SERVICES, action="append", help="this service; all when left out")
    parser.add_argument("--how", choices=["hangs", "refuses"], help="both when left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="keep the figures in this file as well")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quire-away-"))
    cases = []
    with staged(folder, timeout_s=CLIENT_TIMEOUT_S) as scene:
        run = Run(scene, _first_document(scene), random.Random(options.seed))
        for service in options.only or SERVICES:
            for how in [options.how] if options.how else ["hangs", "refuses"]:
                cases.append(run.case(service, how, seconds=options.seconds))
                sys.stderr.write("\n".join([*rows([cases[-1]]), *cases[-1].problems, ""]))
    if options.json:
        options.json.write_text(json.dumps([_plain(case) for case in cases], indent=1))
    sys.stdout.write("\n".join(report(cases)) + "\n")
    if any(case.problems for case in cases):
        sys.exit(f"promises were broken; the logs are in {folder}")
    shutil.rmtree(folder)


def _first_document(scene: Scene) -> str:
    paper = papers.write(0, 1, random.Random(0), pages=PAGES)
    answer = scene.api.post("/api/ingest/", files={"file": (paper.name, paper.content)})
    document_id = str(answer.json()["document"]["id"])

    def is_complete() -> bool:
        return bool(scene.api.get(f"/api/documents/{document_id}/").json()["status"] == "completed")

    scene.service.wait(is_complete, "the first document is not complete")
    return document_id


def report(cases: Sequence[Case]) -> Iterator[str]:
    yield f"| away | {' | '.join(DEEDS)} | a document under way shows | failed, then tried again | done after |"
    yield "| --- " * (len(DEEDS) + 4) + "|"
    yield from rows(cases)
    for case in cases:
        for problem in case.problems:
            yield f"- {case.service} {case.how}: {problem}"


def rows(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        seen = " | ".join(_seen([a for a in case.answers if a.deed == deed]) for deed in DEEDS)
        shown = "; ".join(what for what, _ in case.shown.most_common(3)) or "progress"
        failed = ", ".join(f"{n} `{code}`" for code, n in case.failed.items()) or "0"
        ends = f"{failed} of {len(case.taken)}; {case.completed} complete"
        yield f"| {case.service} {case.how} | {seen} | {shown} | {ends} | {case.done_after_s:.0f} s |"


def _seen(answers: Sequence[Answer]) -> str:
    """Each kind of answer with its number, and the seconds, in the median and at most."""
    kinds: dict[str, list[float]] = {}
    for answer in answers:
        kind = f"{answer.status or 'no answer'} {f'`{answer.code}`' if answer.code else ''}".strip()
        kinds.setdefault(kind, []).append(answer.seconds)
    return "; ".join(
        f"{len(taken)} × {kind} {sorted(taken)[len(taken) // 2]:.1f}/{max(taken):.1f} s"
        for kind, taken in sorted(kinds.items(), key=lambda item: -len(item[1]))
    )


def _plain(case: Case) -> dict[str, Any]:
    answers = [[a.deed, a.status, a.code, round(a.seconds, 3)] for a in case.answers]
    kept = ("service", "how", "shown", "failed", "completed", "done_after_s", "problems")
    return {name: getattr(case, name) for name in kept} | {"answers": answers, "documents": len(case.taken)}


if __name__ == "__main__":
    main()
