"""`quire search`: the passages nearest to a query."""

from __future__ import annotations

from typing import Any

import click

from quire.cli.ids import DOCUMENT
from quire.cli.output import as_json_option, print_json

SHOWN_CHARACTERS = 300


@click.command()
@click.argument("query")
@click.option(
    "--document", "documents", type=DOCUMENT, metavar="ID", multiple=True, help="Only this document; may be repeated."
)
@click.option("--limit", default=8, show_default=True, type=click.IntRange(1, 100), help="How many passages.")
@as_json_option
def search(query: str, documents: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find passages in your documents."""
    from quire.cli.client import connected

    body: dict[str, Any] = {"query": query, "limit": limit}
    if documents:
        body["document_ids"] = list(documents)
    with connected() as api:
        found = api.post("/api/search/", json=body)
    if as_json:
        print_json(found["hits"])
        return
    for hit in found["hits"]:
        text = " ".join(hit["text"].split())
        shortened = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
        click.echo(f"{hit['document_name']}, page {hit['page']}  ({hit['score']:.3f})\n  {shortened}\n")
    if not found["hits"]:
        click.echo("Nothing was found.")
