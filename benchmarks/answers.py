"""Answer quality of question sets, through the running service's own upload and ask.

    python benchmarks/answers.py --questions examples/questions.jsonl --files examples [--data-dir data]
    python benchmarks/answers.py --corpus FOLDER [--lang en] [--limit N] [--data-dir data]

Questions are lines of JSON: question, document (a file's name below --files), page and phrase, both null when the
document does not answer. A corpus is a folder as `benchmarks/retrieval.py` takes it; its `answer` is the phrase, and a
false `answerable` makes a question that must be refused. The service is the one whose `client.json` lies in the data
folder. Each question is asked of its document alone. With --foreign each is also asked of the document after its own,
which has to refuse it: that says something only where the documents are about different things.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from retrieval import Service, take_in

LONGEST_PHRASE_WORDS = 8
"""A longer expected answer is somebody's own wording: how much of it is said counts, not whether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`pages` hold the answer, which contains `phrase`; no pages: the document does not answer it."""

    text: str
    document: str
    pages: frozenset[int]
    phrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`said`: the share of the phrase that the answer holds, 0 or 1 for a short phrase."""

    question: Question
    is_refused: bool
    said: float
    is_on_page: bool
    is_verified: bool
    seconds: float


class AskingService(Service):
    def ask(self, question: str, *, document_id: str) -> dict[str, Any]:
        response: httpx.Response = self._http.post(f"/api/documents/{document_id}/ask/", json={"question": question})
        return dict(response.raise_for_status().json())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--questions", type=Path)
    source.add_argument("--corpus", type=Path)
    parser.add_argument("--files", type=Path, default=Path("examples"), help="folder of the documents of --questions")
    parser.add_argument("--lang", default="", help="only documents and questions of this language")
    parser.add_argument("--limit", type=int, default=0, help="only the first N questions")
    parser.add_argument("--foreign", action="store_true", help="also ask each question of another document")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()

    service = AskingService(options.data_dir)
    folder, documents, questions = _corpus(options) if options.corpus else _set(options)
    ids = take_in(service, folder, documents)
    asked = questions[: options.limit or None]
    report(options.corpus or options.questions, [_ask(service, ids, question) for question in asked])
    if options.foreign:
        report("asked of another document", [_ask(service, ids, question) for question in _foreign(asked, list(ids))])


def report(name: object, outcomes: Sequence[Outcome]) -> None:
    """One line for what documents answer, one for what they do not."""
    answerable = [outcome for outcome in outcomes if outcome.question.pages]
    foreign = [outcome for outcome in outcomes if not outcome.question.pages]
    print(f"{name}: {len(outcomes)} questions")
    if answerable:
        answered = [outcome for outcome in answerable if not outcome.is_refused]
        print(
            f"  answered {_mean([not o.is_refused for o in answerable])}"
            f"  expected {_mean([o.said for o in answerable])}"
            f"  gold page cited {_mean([o.is_on_page for o in answerable])}"
            f"  all citations verified {_mean([o.is_verified for o in answered])}"
        )
    if foreign:
        print(f"  refused where there is no answer {_mean([o.is_refused for o in foreign])} of {len(foreign)}")
    times = sorted(outcome.seconds for outcome in outcomes)
    p99 = times[int(0.99 * len(times))]
    print(f"  a question and its answer p50 {1000 * statistics.median(times):.0f} ms, p99 {1000 * p99:.0f} ms")


def share_said(phrase: str, answer: str) -> float:
    """1 or 0 for a short phrase that is there or not; of a longer one the share of its words that are."""
    wanted, said = _plain(phrase), _plain(answer)
    if len(wanted.split()) <= LONGEST_PHRASE_WORDS:
        return float(wanted in said)
    words = set(re.findall(r"\w{4,}|\d+", wanted))
    return len(words & set(re.findall(r"\w+", said))) / max(1, len(words))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\s*\[\d+\]|\u2060", "", text).casefold().split())


def _ask(service: AskingService, ids: dict[str, str], question: Question) -> Outcome:
    began = time.monotonic()
    answer = service.ask(question.text, document_id=ids[question.document])
    seconds = time.monotonic() - began
    citations = answer["citations"]
    return Outcome(
        question=question,
        is_refused=not answer["grounded"],
        said=share_said(question.phrase, answer["answer"]) if question.pages else 0.0,
        is_on_page=any(citation["page"] in question.pages for citation in citations),
        is_verified=all(citation["verified"] for citation in citations),
        seconds=seconds,
    )


def _foreign(questions: Sequence[Question], documents: Sequence[str]) -> Iterator[Question]:
    for question in questions:
        other = documents[(documents.index(question.document) + 1) % len(documents)]
        if other != question.document:
            yield Question(text=question.text, document=other, pages=frozenset(), phrase="")


def _set(options: argparse.Namespace) -> tuple[Path, list[dict[str, Any]], list[Question]]:
    rows = list(_lines(options.questions))
    names = dict.fromkeys(row["document"] for row in rows)
    documents = [{"doc_id": name, "title": Path(name).stem, "path": name} for name in names]
    questions = [
        Question(
            text=row["question"],
            document=row["document"],
            pages=frozenset([row["page"]] if row["page"] else []),
            phrase=row.get("phrase") or "",
        )
        for row in rows
    ]
    return options.files, documents, questions


def _corpus(options: argparse.Namespace) -> tuple[Path, list[dict[str, Any]], list[Question]]:
    documents = [row for row in _lines(options.corpus / "corpus.jsonl") if options.lang in ("", row.get("lang"))]
    questions = [
        Question(
            text=row["text"],
            document=row["doc_ids"][0],
            pages=frozenset(row["gold_pages"][row["doc_ids"][0]] if row.get("answerable", True) else []),
            phrase=row.get("answer") or "",
        )
        for row in _lines(options.corpus / "queries.jsonl")
        if options.lang in ("", row.get("lang"))
    ]
    return options.corpus, documents, questions


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.3f}" if values else "-"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


if __name__ == "__main__":
    main()
