"""`quire delete` and `quire retry`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from quire.cli.errors import Failure
from quire.cli.ids import DOCUMENT

if TYPE_CHECKING:
    from quire.cli.client import Api

_NEEDS_NO_MORE = {"not_found", "not_failed"}


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
@click.argument("document_ids", type=DOCUMENT, metavar="ID…", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Every failed document, but for those that need another file.")
def retry(document_ids: tuple[str, ...], is_all: bool) -> None:
    """Try failed documents again, as after a provider was away."""
    from quire.cli.client import connected

    if bool(document_ids) == is_all:
        raise click.UsageError("Name documents, or give --all.")
    with connected() as api:
        if is_all:
            _try_all(api)
        for document_id in document_ids:
            _try(api, document_id)


def _try(api: Api, document_id: str) -> None:
    api.post(f"/api/documents/{document_id}/retry/")
    click.echo(f"trying {document_id} again")


def _try_all(api: Api) -> None:
    """One that was deleted, or is tried by somebody else, since they were listed needs no more."""
    for document_id in list(_failed(api)):
        try:
            _try(api, document_id)
        except Failure as refused:
            if refused.code not in _NEEDS_NO_MORE:
                raise


def _failed(api: Api) -> Iterator[str]:
    failed = api.pages("/api/documents/", status="failed")
    return (document["id"] for document in failed if document["error"] and document["error"]["retryable"])
