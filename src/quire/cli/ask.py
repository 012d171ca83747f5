"""`quire ask`: a question, its answer as it comes, and the pages that it stands on."""

from __future__ import annotations

import sys
from typing import Any

import click

from quire.cli.errors import Failure
from quire.cli.ids import DOCUMENT
from quire.cli.output import as_json_option, print_json


@click.command()
@click.argument("question")
@click.option(
    "--document",
    "documents",
    type=DOCUMENT,
    metavar="ID",
    multiple=True,
    help="Ask this document alone; may be repeated.",
)
@as_json_option
def ask(question: str, documents: tuple[str, ...], as_json: bool) -> None:
    """Ask about your documents."""
    from quire.cli.client import connected

    path, body = _request(question, documents)
    with connected() as api:
        if as_json:
            print_json(api.post(path, json=body))
            return
        for name, data in api.events(path, {**body, "stream": True}):
            _print_event(name, data)


def _request(question: str, documents: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"question": question}
    if len(documents) == 1:
        return f"/api/documents/{documents[0]}/ask/", body
    if documents:
        body["document_ids"] = list(documents)
    return "/api/ask/", body


def _print_event(name: str, data: Any) -> None:
    if name == "token":
        sys.stdout.write(data["text"])
        sys.stdout.flush()
    elif name == "done":
        _print_citations(data["citations"])
        if notice := data.get("notice"):
            click.echo(notice["message"], err=True)
    elif name == "error":
        click.echo()
        raise Failure(data.get("detail") or data.get("message") or "The answer broke off.", code=data["code"])


def _print_citations(citations: list[dict[str, Any]]) -> None:
    click.echo("\n")
    for citation in citations:
        quote = " ".join(citation["quote"].split())
        doubt = "" if citation["verified"] else "  (not found on that page word for word)"
        click.echo(f"[{citation['number']}] {citation['document_name']}, page {citation['page']}: “{quote}”{doubt}")
