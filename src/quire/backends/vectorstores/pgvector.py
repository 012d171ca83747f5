"""Vectors in Django's own PostgreSQL, at two bytes a dimension, by the extension pgvector (ADR 0003).

    quire_vector   one row a chunk; read by namespace, by document or by ingestion, each through an index

A search compares all the vectors in its scope, so that neither other tenants' vectors nor those of superseded
ingestions take anything away from what it finds. Only a whole large namespace is searched by a graph of its own
(`pgvector_graphs.py`); where that gives too few, or many are wanted, all are compared there as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import numpy as np
from django.db import NotSupportedError, ProgrammingError
from django.db.backends.utils import CursorWrapper

from quire.backends.postgres_session import create_once, reading, writing
from quire.backends.vectorstores.pgvector_graphs import graph_name, tend
from quire.core.errors import PermanentError
from quire.core.types import Hit, VectorRecord, Vectors

_ROWS = 500
"""Rows sent with one statement."""
_PAGE = 500

_UPSERT = """
    INSERT INTO quire_vector (namespace, chunk, upload, ingestion, embedding)
    SELECT %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::halfvec[])
    ON CONFLICT (namespace, chunk) DO UPDATE SET
        upload = excluded.upload, ingestion = excluded.ingestion, embedding = excluded.embedding
"""
# `+ 0`: an expression that no graph can answer, since a graph drops what is outside the scope only after it was found.
_EXACT = """
    SELECT chunk, -(embedding <#> %s::halfvec) FROM quire_vector
    WHERE namespace = %s {scope} ORDER BY (embedding <#> %s::halfvec) + 0, chunk LIMIT %s
"""
_BY_GRAPH = """
    SELECT chunk, -(embedding <#> %s::halfvec) FROM quire_vector
    WHERE namespace = %s ORDER BY embedding <#> %s::halfvec LIMIT %s
"""
_GRAPH_ABOVE = 50_000
"""Vectors of a namespace from which on it gets a graph: comparing so many takes 30 ms of a core."""
_GRAPH_LIMIT = 200
"""Hits that a graph is asked for at most: deeper it loses more of them, and its time."""
_GRAPH_DEPTH = 800
"""Neighbours that a search by a graph keeps in view. Of the best 20 among 300,000 it found 98 %; with 400, 96 %."""


def _schema(dimensions: int) -> tuple[str, ...]:
    return (
        f"""CREATE TABLE quire_vector (
            namespace text NOT NULL, chunk uuid NOT NULL, upload uuid NOT NULL, ingestion uuid NOT NULL,
            embedding halfvec({dimensions}) NOT NULL, PRIMARY KEY (namespace, chunk))""",
        # In the row itself: fetching each vector from the side table would cost more than comparing it.
        "ALTER TABLE quire_vector ALTER COLUMN embedding SET STORAGE PLAIN",
        "CREATE INDEX quire_vector_upload ON quire_vector (namespace, upload)",
        "CREATE INDEX quire_vector_ingestion ON quire_vector (namespace, ingestion)",
    )


class PgVectorStore:
    """Follows `core.ports.VectorStore`; each call joins the caller's transaction where there is one."""

    is_transactional = True

    def __init__(self, *, alias: str = "default", graph_above: int = _GRAPH_ABOVE) -> None:
        self._alias = alias
        self._graph_above = graph_above

    def prepare(self, *, dimensions: int) -> None:
        with writing(self._alias) as cursor:
            _enable_extension(cursor)
            create_once(cursor, table="quire_vector", schema=_schema(dimensions))
            if _dimensions(cursor) != dimensions:
                _adopt(cursor, dimensions)
            _check_dimensions(cursor, dimensions)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        # In one order everywhere, so that two writers of the same chunks wait for each other and never in a circle.
        latest = sorted({UUID(record.id): record for record in records}.items())
        with writing(self._alias) as cursor:
            for dimensions in {len(record.values) for _, record in latest}:
                _check_dimensions(cursor, dimensions)
            for start in range(0, len(latest), _ROWS):
                some = latest[start : start + _ROWS]
                columns = (
                    [chunk for chunk, _ in some],
                    [UUID(record.metadata["upload_id"]) for _, record in some],
                    [UUID(record.metadata["ingestion_id"]) for _, record in some],
                    [_as_text(record.values) for _, record in some],
                )
                # `executemany`, also for one: Django's debug log would otherwise print every vector.
                cursor.executemany(_UPSERT, [(namespace, *columns)])

    def query(
        self, namespace: str, vector: Vectors, *, limit: int, upload_ids: Sequence[str] | None = None
    ) -> list[Hit]:
        if limit < 1:
            return []
        query = _as_text(vector)
        with reading(self._alias) as cursor:
            has_graph = _begin(cursor, namespace, len(vector))
            if has_graph and upload_ids is None and limit <= _GRAPH_LIMIT:
                cursor.execute(_BY_GRAPH, [query, namespace, query, limit])
                if len(found := cursor.fetchall()) == limit:
                    return _hits(found)
            scope = [] if upload_ids is None else [[UUID(upload_id) for upload_id in upload_ids]]
            sql = _EXACT.format(scope="AND upload = ANY(%s::uuid[])" if scope else "")
            cursor.execute(sql, [query, namespace, *scope, query, limit])
            return _hits(cursor.fetchall())

    def tend(self) -> int:
        """Follows `core.ports.NeedsTending`: graphs for namespaces that have grown large."""
        return tend(self._alias, above=self._graph_above)

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        with reading(self._alias) as cursor:
            cursor.execute(
                "SELECT count(*) FROM quire_vector WHERE namespace = %s AND ingestion = %s",
                [namespace, UUID(ingestion_id)],
            )
            return int(cursor.fetchone()[0])

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        with writing(self._alias) as cursor:
            cursor.execute(
                "DELETE FROM quire_vector WHERE namespace = %s AND ingestion = %s", [namespace, UUID(ingestion_id)]
            )

    def ingestion_ids(self, namespace: str) -> Iterator[str]:
        """Read by page, so that the caller may delete while it walks."""
        last = UUID(int=0)
        while True:
            with reading(self._alias) as cursor:
                cursor.execute(
                    "SELECT DISTINCT ingestion FROM quire_vector WHERE namespace = %s AND ingestion > %s"
                    " ORDER BY ingestion LIMIT %s",
                    [namespace, last, _PAGE],
                )
                page: list[UUID] = [ingestion for (ingestion,) in cursor.fetchall()]
            if not page:
                return
            yield from map(str, page)
            last = page[-1]


def _enable_extension(cursor: CursorWrapper) -> None:
    """Raises `PermanentError` (`pgvector_missing`) when the server has none, or an old one, or may not switch it on."""
    try:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except (NotSupportedError, ProgrammingError) as error:
        raise PermanentError(
            "The database lacks pgvector: install it on the PostgreSQL server, then run "
            f"`CREATE EXTENSION vector` in this database as its owner or as a superuser. PostgreSQL said: {error}",
            code="pgvector_missing",
        ) from error
    cursor.execute(
        "SELECT string_to_array(extversion, '.')::int[] < '{0, 8}' FROM pg_extension WHERE extname = 'vector'"
    )
    if cursor.fetchone()[0]:
        raise PermanentError(
            "The database's pgvector is older than 0.8: update it on the PostgreSQL server, then run "
            "`ALTER EXTENSION vector UPDATE` in this database.",
            code="pgvector_missing",
        )


def _dimensions(cursor: CursorWrapper) -> int:
    cursor.execute(
        "SELECT atttypmod FROM pg_attribute WHERE attrelid = 'quire_vector'::regclass AND attname = 'embedding'"
    )
    return int(cursor.fetchone()[0])


def _adopt(cursor: CursorWrapper, dimensions: int) -> None:
    """An empty store has no vectors to disagree with."""
    cursor.execute("LOCK TABLE quire_vector IN ACCESS EXCLUSIVE MODE")
    cursor.execute("SELECT EXISTS (SELECT 1 FROM quire_vector)")
    if not cursor.fetchone()[0]:
        cursor.execute(f"ALTER TABLE quire_vector ALTER COLUMN embedding TYPE halfvec({dimensions})")


def _check_dimensions(cursor: CursorWrapper, dimensions: int) -> None:
    _refuse_other(_dimensions(cursor), dimensions)


def _refuse_other(held: int, dimensions: int) -> None:
    if held != dimensions:
        raise PermanentError(
            f"The vector store holds vectors of {held} dimensions, but the embedding model makes {dimensions}: "
            "run `quire reindex`, or set the model that made them.",
            code="dimension_mismatch",
        )


def _begin(cursor: CursorWrapper, namespace: str, dimensions: int) -> bool:
    """Set the transaction up for a search, and tell whether the namespace has a graph: all of it in one question."""
    cursor.execute(
        "SELECT atttypmod,"
        " EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid),"
        " set_config('jit', 'off', true),"  # compiling takes longer than most searches
        " set_config('hnsw.ef_search', %s, true),"
        " set_config('hnsw.iterative_scan', 'relaxed_order', true)"  # goes on where it met deleted rows
        " FROM pg_attribute WHERE attrelid = 'quire_vector'::regclass AND attname = 'embedding'",
        [graph_name(namespace), str(_GRAPH_DEPTH)],
    )
    held, has_graph, *_ = cursor.fetchone()
    _refuse_other(held, dimensions)
    return bool(has_graph)


def _hits(found: Sequence[tuple[UUID, float]]) -> list[Hit]:
    """Best first, of equals always the same."""
    ordered = sorted(found, key=lambda pair: (-pair[1], pair[0]))
    return [Hit(id=str(chunk), score=score) for chunk, score in ordered]


def _as_text(vector: Vectors) -> str:
    """pgvector's own form; five digits tell any two numbers of two bytes apart."""
    if not np.isfinite(vector).all():
        raise ValueError("a vector must be finite: one NaN would outrank every real answer")
    return f"[{','.join(f'{value:.5g}' for value in vector.tolist())}]"
