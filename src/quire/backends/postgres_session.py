"""Django's own PostgreSQL connection as the search backends use it, and what they share of its schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper

from quire.core.errors import TransientError

_LOCK = 0x5155495245
"""Name of the lock under which processes that start together create tables, one after another."""


@contextmanager
def writing(alias: str) -> Iterator[CursorWrapper]:
    """A cursor in a transaction: the caller's when there is one, so that its rollback takes our rows too."""
    with _translated(), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        yield cursor


@contextmanager
def reading(alias: str, **settings: str) -> Iterator[CursorWrapper]:
    """A cursor in a transaction, or in the caller's, until whose end these settings of PostgreSQL hold."""
    with _translated(), transaction.atomic(using=alias, savepoint=False), connections[alias].cursor() as cursor:
        if settings:
            sets = ", ".join("set_config(%s, %s, true)" for _ in settings)
            cursor.execute(f"SELECT {sets}", [part for setting in settings.items() for part in setting])
        yield cursor


def create_once(cursor: CursorWrapper, *, table: str, schema: Sequence[str]) -> None:
    """Run `schema` unless the table is there. An `IF NOT EXISTS` for each index would wait for who is writing."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    cursor.execute("SELECT to_regclass(%s)", [table])
    if cursor.fetchone()[0] is None:
        for statement in schema:
            cursor.execute(statement)


@contextmanager
def _translated() -> Iterator[None]:
    """A lost connection, a deadlock, a full disk may be over soon; any other database error is a bug of ours."""
    try:
        yield
    except (InterfaceError, OperationalError) as error:
        raise TransientError(f"The database did not answer: {error}", code="database_unavailable") from error
