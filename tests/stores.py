"""The two searches that live in the database the tests run on, and what only raw SQL tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from tests import parts

if TYPE_CHECKING or not parts.IS_POSTGRES:
    from quire.backends.keywordindexes.sqlite_fts5 import SqliteKeywordIndex as DatabaseKeywordIndex
    from quire.backends.vectorstores.sqlite import SqliteVectorStore as DatabaseVectorStore
else:
    from quire.backends.keywordindexes.postgres import PostgresKeywordIndex as DatabaseKeywordIndex
    from quire.backends.vectorstores.pgvector import PgVectorStore as DatabaseVectorStore

__all__ = ["DatabaseKeywordIndex", "DatabaseVectorStore", "all_rows", "keyword_ingestions", "wipe"]

_ROWS = (
    "SELECT chunk, ingestion, upload FROM quire_vector UNION ALL SELECT chunk, ingestion, scope[2] FROM quire_keyword"
    if parts.IS_POSTGRES
    else "SELECT id, live FROM quire_vector_block UNION ALL SELECT id, id FROM quire_keyword"
)


def all_rows() -> list[tuple[Any, ...]]:
    """What changes whenever either search is written to."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_ROWS} ORDER BY 1, 2")
        return list(cursor.fetchall())


def keyword_ingestions() -> set[UUID]:
    """The runs that have keywords, of any tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT ingestion FROM quire_keyword")
        return {pk if isinstance(pk, UUID) else UUID(bytes=pk) for (pk,) in cursor.fetchall()}


def wipe() -> None:
    """Empty both, in the caller's transaction."""
    with connection.cursor() as cursor:
        if not parts.IS_POSTGRES:
            cursor.execute("INSERT INTO quire_keyword_fts (quire_keyword_fts) VALUES ('delete-all')")
            cursor.execute("DELETE FROM quire_vector_block")
        cursor.execute("DELETE FROM quire_keyword")
        cursor.execute("DELETE FROM quire_vector")
