"""`quire delete` and `quire retry`."""

from __future__ import annotations

import click

from quire.cli.ids import DOCUMENT


@click.command()
@click.argument("document_ids", type=DOCUMENT, metavar="ID…", nargs=-1, required=True)
def delete(document_ids: tuple[str, ...]) -> None:
    """Delete documents, for ever."""
    from quire.cli.client import connected

    with connected() as api:
        for document_id in document_ids:
            api.delete(f"/api/documents/{document_id}/")
            click.echo(f"deleted {document_id}")


@click.command()
@click.argument("document_ids", type=DOCUMENT, metavar="ID…", nargs=-1, required=True)
def retry(document_ids: tuple[str, ...]) -> None:
    """Try failed documents again."""
    from quire.cli.client import connected

    with connected() as api:
        for document_id in document_ids:
            api.post(f"/api/documents/{document_id}/retry/")
            click.echo(f"trying {document_id} again")
