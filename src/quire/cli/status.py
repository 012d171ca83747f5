"""`quire status`: how documents stand."""

from __future__ import annotations

from typing import Any

import click

from quire.cli.ids import DOCUMENT
from quire.cli.output import as_json_option, is_narrow, print_json, print_table


@click.command()
@click.argument("document_id", type=DOCUMENT, metavar="[ID]", required=False)
@as_json_option
def status(document_id: str | None, as_json: bool) -> None:
    """Show all documents, or one in full."""
    from quire.cli.client import connected

    with connected() as api:
        if document_id:
            document = api.get(f"/api/documents/{document_id}/")
            print_json(document) if as_json else _print_one(document)
        else:
            documents = list(api.pages("/api/documents/"))
            print_json(documents) if as_json else _print_all(documents)


def _print_all(documents: list[dict[str, Any]]) -> None:
    if not documents:
        click.echo("No documents yet. Take some in with: quire ingest PATH")
        return
    states = [(state_of(document), document["pages"], document["chunks"]) for document in documents]
    if is_narrow():  # an id, which must stay whole to be copied, would leave a name a dozen characters
        names: list[tuple[str, ...]] = [(f"{document['name']}\n{document['id']}",) for document in documents]
        columns = ["name, id"]
    else:
        names = [(document["id"], document["name"]) for document in documents]
        columns = ["id", "name"]
    rows = [(*name, *state) for name, state in zip(names, states, strict=True)]
    print_table([*columns, "status", "pages", "chunks"], rows)


def _print_one(document: dict[str, Any]) -> None:
    shown = {name: document[name] for name in ("id", "name", "title", "media_type", "bytes", "task_id", "created_at")}
    shown |= {"status": state_of(document), "pages": document["pages"], "chunks": document["chunks"]}
    shown |= {"attempts": document["attempts"], "timings": _timings(document)}
    if document["retry_at"]:
        shown["next attempt"] = f"{document['retry_at']} {document['waiting_for']}".strip()
    print_table(["", ""], shown.items())
    for warning in document["warnings"]:
        click.echo(f"warning: {warning}")


def state_of(document: dict[str, Any]) -> str:
    """Status, and what a person wants to know with it."""
    error = document["error"]
    if document["status"] == "processing":
        waits = f", attempt {document['attempts'] + 1}: {error['message']}" if error else ""
        return f"{work_of(document)}{waits}"
    if document["status"] == "failed" and error:
        return f"failed: {error['message']} ({error['code']})"
    return f"{document['status']}{', a new version under way' if document['pending'] else ''}"


def work_of(run: dict[str, Any]) -> str:
    """The stage, and its place in line where it waits for its turn, else how far it is."""
    place, eta_s = run["queue_position"], run["progress"]["eta_s"]
    if place is None:
        return f"{run['stage']}, {run['progress']['percent']} %"
    return f"queued, number {place} in line{'' if eta_s is None else f', begins in about {_roughly(eta_s)}'}"


def _roughly(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _timings(document: dict[str, Any]) -> str:
    return ", ".join(f"{name.removesuffix('_s')} {seconds:.2f} s" for name, seconds in document["timings"].items())
