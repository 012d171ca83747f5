"""Django's own SQLite connection as the embedded stores use it: one transaction to write, one snapshot to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper

from quire.core.errors import TransientError


@contextmanager
def writing(alias: str) -> Iterator[CursorWrapper]:
    """A cursor in a transaction: the caller's when there is one, so that its rollback takes our rows too."""
    with _translated(), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        yield cursor


@contextmanager
def reading(alias: str) -> Iterator[CursorWrapper]:
    """A cursor whose statements all see the same state, without the write lock that `atomic` would take here."""
    connection = connections[alias]
    with _translated(), connection.cursor() as cursor:
        if connection.in_atomic_block or not connection.get_autocommit():
            yield cursor
            return
        cursor.execute("BEGIN DEFERRED")
        try:
            yield cursor
        finally:
            cursor.execute("ROLLBACK")


@contextmanager
def _translated() -> Iterator[None]:
    """A locked, full or unreachable database may be well again soon; any other database error is a bug of ours."""
    try:
        yield
    except OperationalError as error:
        raise TransientError(f"The database did not answer: {error}", code="database_unavailable") from error
