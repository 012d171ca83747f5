"""`quire reindex`: makes documents' chunks and vectors anew, as after a change of the embedding model."""

from __future__ import annotations

import click

from quire.cli.local import set_up


@click.command()
@click.option("--document", "document_id", metavar="ID", help="Only this document.")
@click.option("--all", "everything", is_flag=True, help="All documents, also those that the present model made.")
def reindex(document_id: str | None, everything: bool) -> None:
    """Index documents again: those that another embedding model made, when nothing else is said."""
    if document_id and everything:
        raise click.UsageError("--document and --all exclude each other.")
    set_up()
    from quire.ops import reindexing

    queued = reindexing.reindex(document_id=document_id, everything=everything)
    click.echo(
        f"{queued} documents are queued to be indexed again; `quire up` works on them, `quire status` shows them."
    )
