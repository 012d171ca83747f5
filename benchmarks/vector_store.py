"""The vector store in SQLite against raw NumPy and, where it can be imported, sqlite-vec, in one run.

    PYTHONPATH=src python benchmarks/vector_store.py [rows …]

sqlite-vec needs `pip install sqlite-vec pysqlite3`, since many Pythons' own `sqlite3` loads no extension. Figures are
CPU milliseconds, the median of several; trust the ratios. "Raw NumPy" is one float32 matrix in memory, without ids.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import django
import numpy as np
from django.conf import settings

from quire.core.types import VectorRecord, Vectors

DIMENSIONS = 384
DOCUMENT_ROWS = 200
BATCH = 8
LIMIT = 20
HEADER = "   rows             insert µs/row  document   tenant  ÷ numpy  delete  B/row"
ROOM = UUID("5d3c6d52-2b0c-4d52-9c39-0d1f5f0e7a11")


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings.configure(
            DATABASES={
                f"rows_{size}": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": str(Path(folder) / f"{size}.sqlite3"),
                    "OPTIONS": {
                        "transaction_mode": "IMMEDIATE",
                        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                    },
                }
                for size in sizes
            }
            | {"default": {}}
        )
        django.setup()
        print(HEADER)
        for size in sizes:
            run(size, Path(folder))


def run(size: int, folder: Path) -> None:
    vectors = unit_vectors(size)
    questions = unit_vectors(9, seed=1)
    numpy_ms = timed(lambda turn: top(vectors, questions[turn]))
    document_ms = timed(lambda turn: top(vectors[:DOCUMENT_ROWS], questions[turn]))
    print(f"{size:>7} {'raw NumPy':<11}{'':>14} {document_ms:>9.2f} {numpy_ms:>8.1f} {1:>8.1f}")
    contenders: list[Any] = [Quire(size, folder)]
    if sqlite_vec_is_here():
        contenders.append(SqliteVec(size, folder))
    for contender in contenders:
        insert_us = seconds(lambda: contender.insert(vectors)) * 1e6 / size  # noqa: B023 (called at once)
        assert contender.rows(questions[0]) == top(vectors, questions[0]), "not exact"
        tenant_ms = timed(lambda turn: contender.tenant(questions[turn]))  # noqa: B023 (called at once)
        document_ms = timed(lambda turn: contender.document(turn, questions[turn]))  # noqa: B023 (called at once)
        row_bytes = contender.path.stat().st_size / size
        delete_ms = seconds(lambda: contender.delete(5)) * 1e3  # noqa: B023 (called at once)
        print(
            f"{size:>7} {contender.name:<11}{insert_us:>14.0f} {document_ms:>9.2f} {tenant_ms:>8.1f}"
            f" {tenant_ms / numpy_ms:>8.1f} {delete_ms:>7.1f} {row_bytes:>6.0f}"
        )


class Quire:
    name = "Quire"

    def __init__(self, size: int, folder: Path) -> None:
        from quire.backends.vectorstores.sqlite import SqliteVectorStore

        self.path = folder / f"{size}.sqlite3"
        self.alias = f"rows_{size}"
        self.store = SqliteVectorStore(alias=self.alias)
        self.store.prepare(dimensions=DIMENSIONS)

    def insert(self, vectors: Vectors) -> None:
        from django.db import connections, transaction

        for document, rows in documents(len(vectors)):
            with transaction.atomic(using=self.alias):
                for start in range(0, len(rows), BATCH):
                    some = rows[start : start + BATCH]
                    self.store.upsert("tenant", [self._record(document, row, vectors[row]) for row in some])
        connections[self.alias].cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def tenant(self, question: Vectors) -> list[str]:
        return [hit.id for hit in self.store.query("tenant", question, limit=LIMIT)]

    def rows(self, question: Vectors) -> list[int]:
        return [UUID(chunk).int % 2**64 for chunk in self.tenant(question)]

    def document(self, document: int, question: Vectors) -> None:
        self.store.query("tenant", question, limit=LIMIT, upload_ids=[str(uuid5(ROOM, str(document)))])

    def delete(self, document: int) -> None:
        self.store.delete("tenant", ingestion_id=str(uuid5(ROOM, str(document))))

    def _record(self, document: int, row: int, values: Vectors) -> VectorRecord:
        owner = str(uuid5(ROOM, str(document)))
        return VectorRecord(id=chunk_id(row), values=values, metadata={"upload_id": owner, "ingestion_id": owner})


class SqliteVec:
    name = "sqlite-vec"

    def __init__(self, size: int, folder: Path) -> None:
        import pysqlite3  # type: ignore[import-not-found]
        import sqlite_vec  # type: ignore[import-not-found]

        self.path = folder / f"{size}.vec"
        self.connection = pysqlite3.connect(self.path, isolation_level=None)
        self.connection.enable_load_extension(True)
        sqlite_vec.load(self.connection)
        self.connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE VIRTUAL TABLE v USING vec0(tenant TEXT PARTITION KEY, document INTEGER,"
            f" e float[{DIMENSIONS}] distance_metric=cosine, chunk_size=256)"
        )

    def insert(self, vectors: Vectors) -> None:
        for document, rows in documents(len(vectors)):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(
                "INSERT INTO v (rowid, tenant, document, e) VALUES (?, 'tenant', ?, ?)",
                [(row + 1, document, vectors[row].tobytes()) for row in rows],
            )
            self.connection.execute("COMMIT")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def rows(self, question: Vectors) -> list[int]:
        return [row - 1 for row in self.tenant(question)]

    def tenant(self, question: Vectors) -> list[int]:
        found = self.connection.execute(
            "SELECT rowid FROM v WHERE e MATCH ? AND k = ? AND tenant = 'tenant'", [question.tobytes(), LIMIT]
        )
        return [row for (row,) in found]

    def document(self, document: int, question: Vectors) -> None:
        self.connection.execute(
            "SELECT rowid, distance FROM v WHERE e MATCH ? AND k = ? AND tenant = 'tenant' AND document = ?",
            [question.tobytes(), LIMIT, document],
        ).fetchall()

    def delete(self, document: int) -> None:
        first = document * DOCUMENT_ROWS + 1
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("DELETE FROM v WHERE rowid = ?", [(first + n,) for n in range(DOCUMENT_ROWS)])
        self.connection.execute("COMMIT")


def chunk_id(row: int) -> str:
    """As scattered as a chunk's real id; the row is its lower half."""
    return str(UUID(int=(row * 0x9E3779B97F4A7C15 % 2**64) << 64 | row))


def unit_vectors(count: int, *, seed: int = 0) -> Vectors:
    """About as close to each other as chunks of one subject are; representable in float16, so that all can agree."""
    drawn = np.random.default_rng(seed).standard_normal((count, DIMENSIONS), dtype=np.float32)
    drawn += np.random.default_rng(99).standard_normal(DIMENSIONS, dtype=np.float32) * 0.8
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn.astype(np.float16).astype(np.float32)


def top(vectors: Vectors, question: Vectors) -> list[int]:
    scores = vectors @ question
    best = np.argpartition(scores, -LIMIT)[-LIMIT:]
    return [int(row) for row in best[np.argsort(-scores[best])]]


def documents(size: int) -> Iterator[tuple[int, range]]:
    for start in range(0, size, DOCUMENT_ROWS):
        yield start // DOCUMENT_ROWS, range(start, min(start + DOCUMENT_ROWS, size))


def timed(work: Callable[[int], object]) -> float:
    """Median CPU milliseconds, warm."""
    work(0)
    return statistics.median(seconds(lambda turn=turn: work(turn)) for turn in range(9)) * 1e3  # type: ignore[misc]


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def sqlite_vec_is_here() -> bool:
    try:
        import pysqlite3
        import sqlite_vec  # noqa: F401 (only whether it is there)
    except ImportError:
        return False
    return hasattr(pysqlite3.Connection, "enable_load_extension")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 50_000, 200_000])
