"""`quire eval`: how often a search finds the page that holds the answer, and how often nonsense is declined."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quire.cli.errors import Failure
from quire.cli.output import as_json_option, print_json, print_table

if TYPE_CHECKING:
    from quire.cli.client import Api

DEPTHS = (1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`page` holds the answer; None: `document` does not hold it."""

    question: str
    document: str
    page: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`rank`: where the page stood among the hits, from 1; `is_declined`: the answer said that it is not there."""

    question: Question
    rank: int | None = None
    is_declined: bool | None = None


@click.command("eval")
@click.argument("path", metavar="QUESTIONS", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--scope",
    type=click.Choice(["document", "all"]),
    default="document",
    show_default=True,
    help="Search the question's document alone, or all of them.",
)
@as_json_option
def evaluate(path: Path, scope: str, as_json: bool) -> None:
    """Measure search on a question set.

    Each line is a JSON object with question, document (its name) and page (null when the document does not answer it).
    """
    from quire.cli.client import connected

    questions = list(_read(path))
    if not questions:
        raise Failure(f"{path} holds no questions.", code="nothing_to_do")
    with connected() as api:
        ids = {document["name"]: document["id"] for document in api.pages("/api/documents/")}
        outcomes = [_try(api, question, ids, scope) for question in questions]
    names = dict.fromkeys(outcome.question.document for outcome in outcomes)
    scores = [_score(name, [o for o in outcomes if o.question.document == name]) for name in names]
    scores.append(_score("all", outcomes))
    wrong = [o.question for o in outcomes if o.is_declined is False or (o.is_declined is None and o.rank is None)]
    _print(scores, wrong, as_json=as_json)


def _read(path: Path) -> Iterator[Question]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
                yield Question(question=row["question"], document=row["document"], page=row["page"])
            except (ValueError, KeyError, TypeError):
                raise Failure(
                    f"Line {number} of {path} is no JSON object with question, document and page.", code="bad_questions"
                ) from None


def _try(api: Api, question: Question, ids: dict[str, str], scope: str) -> Outcome:
    wanted = ids.get(question.document)
    if wanted is None:
        raise Failure(f"{question.document} is not there. Take it in first: quire ingest PATH", code="not_found")
    chosen = {"document_ids": [wanted]} if scope == "document" else {}
    if question.page is None:
        answer = api.post("/api/ask/", json={"question": question.question, **chosen})
        return Outcome(question=question, is_declined=not answer["grounded"])
    hits = api.post("/api/search/", json={"query": question.question, "limit": max(DEPTHS), **chosen})["hits"]
    places = [(hit["document_id"], hit["page"]) for hit in hits]
    place = (wanted, question.page)
    return Outcome(question=question, rank=places.index(place) + 1 if place in places else None)


def _score(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    ranks = [outcome.rank for outcome in outcomes if outcome.is_declined is None]
    declined = [outcome.is_declined for outcome in outcomes if outcome.is_declined is not None]
    hits = {f"page-hit@{k}": _share([rank is not None and rank <= k for rank in ranks]) for k in DEPTHS}
    return {"document": name, "questions": len(outcomes), **hits, "declined": _share(declined)}


def _share(facts: Sequence[bool]) -> float | None:
    return sum(facts) / len(facts) if facts else None


def _print(scores: list[dict[str, Any]], wrong: list[Question], *, as_json: bool) -> None:
    if as_json:
        print_json({"scores": scores, "wrong": [q.question for q in wrong]})
        return
    print_table(list(scores[0]), [[_shown(value) for value in score.values()] for score in scores])
    for question in wrong:
        where = f"page {question.page} not found" if question.page is not None else "answered, though it is not there"
        click.echo(f"{question.document}: {where}: {question.question}")


def _shown(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value)
