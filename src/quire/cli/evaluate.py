"""`quire eval`: how often a search finds the page that holds the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from quire.cli.errors import Failure
from quire.cli.output import as_json_option, print_json, print_table

DEPTHS = (1, 5)


@click.command("eval")
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--scope",
    type=click.Choice(["document", "all"]),
    default="document",
    show_default=True,
    help="Search the question's document alone, or all of them.",
)
@as_json_option
def evaluate(questions: Path, scope: str, as_json: bool) -> None:
    """Measure search on a question set: a JSON object a line, with question, document (its name) and page."""
    from quire.cli.client import connected

    with connected() as api:
        ids = {document["name"]: document["id"] for document in api.pages("/api/documents/")}
        ranks = [(row, _rank(api, row, ids, scope)) for row in _read(questions)]
    if not ranks:
        raise Failure(f"{questions} holds no questions.", code="nothing_to_do")
    by_document: dict[str, list[int | None]] = {}
    for row, rank in ranks:
        by_document.setdefault(row["document"], []).append(rank)
    scores = [_score(name, found) for name, found in [*by_document.items(), ("all", [rank for _, rank in ranks])]]
    if as_json:
        print_json({"scores": scores, "missed": [row for row, rank in ranks if rank is None]})
        return
    print_table(list(scores[0]), [[_shown(value) for value in score.values()] for score in scores])
    for row, rank in ranks:
        if rank is None:
            click.echo(f"missed: {row['document']}, page {row['page']}: {row['question']}")


def _read(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
                yield {"question": row["question"], "document": row["document"], "page": row["page"]}
            except (ValueError, KeyError, TypeError):
                raise Failure(
                    f"Line {number} of {path} is no JSON object with question, document and page.", code="bad_questions"
                ) from None


def _rank(api: Any, row: dict[str, Any], ids: dict[str, str], scope: str) -> int | None:
    """Where the right page stands among the hits, from 1; None when it is not among them."""
    if row["document"] not in ids:
        raise Failure(
            f"{row['document']} is not there. Take it in first: quire ingest {row['document']}", code="not_found"
        )
    wanted = ids[row["document"]]
    body: dict[str, Any] = {"query": row["question"], "limit": max(DEPTHS)}
    if scope == "document":
        body["document_ids"] = [wanted]
    hits = api.post("/api/search/", json=body)["hits"]
    places = [(hit["document_id"], hit["page"]) for hit in hits]
    return places.index((wanted, row["page"])) + 1 if (wanted, row["page"]) in places else None


def _score(name: str, ranks: list[int | None]) -> dict[str, Any]:
    hits = {f"page-hit@{k}": sum(rank is not None and rank <= k for rank in ranks) / len(ranks) for k in DEPTHS}
    return {"document": name, "questions": len(ranks), **hits}


def _shown(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
