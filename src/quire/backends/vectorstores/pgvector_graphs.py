"""An approximate index on the vectors of each large namespace: HNSW, a graph of neighbours, by pgvector (ADR 0003).

One partial index a namespace: a graph over all of them would walk through other tenants' vectors, and find a few per
cent of what it should. Small namespaces have none, since comparing all their vectors is as quick.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from django.db import connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql

log = logging.getLogger(__name__)

_PREFIX = "quire_vector_graph_"
BUILD_LOCK = 0x7175697265_01
"""Held by the one process that builds."""
_LINKS, _BUILD_DEPTH = 16, 100
_NEIGHBOUR_BYTES = 350
"""What a vector's links and ids take beside it: 335 MB in all for 300,000 of 384 dimensions."""
_MOST_MEMORY_KB = 2**20
"""For one build, or the server's own `maintenance_work_mem` where it is more. What does not fit is built far slower."""
_SESSION = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    # Helpers would share the graph in /dev/shm, of which a container has 64 MB.
    "max_parallel_maintenance_workers": "0",
    # A process that ends while it builds must not leave the server building for nobody.
    "client_connection_check_interval": "5s",
}


def graph_name(namespace: str) -> str:
    return _PREFIX + blake2b(namespace.encode(), digest_size=16).hexdigest()


def tend(alias: str, *, above: int) -> int:
    """Build what namespaces of `above` vectors lack, drop what shrunken ones need no more. Returns how many of both.

    Reads and writes go on meanwhile. What a build that was cut off has left is dropped, and built anew.
    """
    with _alone(alias) as cursor:
        if cursor is None:
            return 0
        sizes = _sizes(cursor, at_least=above // 2)
        wanted = {graph_name(namespace): namespace for namespace, size in sizes.items() if size >= above}
        kept = {graph_name(namespace) for namespace in sizes}
        there = _graphs(cursor)
        useless = [name for name, is_valid in there.items() if name not in kept or not is_valid]
        for name in useless:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        missing = sorted(wanted.keys() - (there.keys() - set(useless)))
        for name in missing:
            log.info("building an index on the %d vectors of %s", sizes[wanted[name]], wanted[name])
            _take_memory(cursor, vectors=sizes[wanted[name]])
            cursor.execute(
                f"CREATE INDEX CONCURRENTLY {name} ON quire_vector USING hnsw (embedding halfvec_ip_ops)"
                f" WITH (m = {_LINKS}, ef_construction = {_BUILD_DEPTH}) WHERE namespace = {sql.quote(wanted[name])}"
            )
        return len(useless) + len(missing)


@contextmanager
def _alone(alias: str) -> Iterator[CursorWrapper | None]:
    """A cursor with time to build; None while another process builds."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [BUILD_LOCK])
        if not cursor.fetchone()[0]:
            yield None
            return
        try:
            for name, value in _SESSION.items():
                cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
            yield cursor
        finally:
            for name in (*_SESSION, "maintenance_work_mem"):
                cursor.execute(f"RESET {name}")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK])


def _take_memory(cursor: CursorWrapper, *, vectors: int) -> None:
    cursor.execute(
        "SELECT set_config('maintenance_work_mem',"
        " greatest(setting::bigint, least(%s, %s::bigint * (2 * atttypmod + %s) / 1024))::text, false)"
        " FROM pg_settings, pg_attribute"
        " WHERE name = 'maintenance_work_mem' AND attrelid = 'quire_vector'::regclass AND attname = 'embedding'",
        [_MOST_MEMORY_KB, vectors, _NEIGHBOUR_BYTES],
    )


def _sizes(cursor: CursorWrapper, *, at_least: int) -> dict[str, int]:
    cursor.execute("SELECT namespace, count(*) FROM quire_vector GROUP BY namespace HAVING count(*) >= %s", [at_least])
    return dict(cursor.fetchall())


def _graphs(cursor: CursorWrapper) -> dict[str, bool]:
    """By name: whether it is complete."""
    cursor.execute(
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = 'quire_vector'::regclass AND starts_with(c.relname, %s)",
        [_PREFIX],
    )
    return dict(cursor.fetchall())
