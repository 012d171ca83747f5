"""Ids as arguments: what cannot be one names nothing that exists."""

from __future__ import annotations

from uuid import UUID

import click

from quire.cli.errors import Failure


class Id(click.ParamType[str]):
    """The id of a `what`, in any way of writing a UUID."""

    name = "id"

    def __init__(self, what: str) -> None:
        self._what = what

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(UUID(value))
        except ValueError:
            raise Failure(f"There is no such {self._what}.", code="not_found") from None


DOCUMENT = Id("document")
KEY = Id("key")
