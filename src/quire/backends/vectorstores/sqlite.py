"""Vectors in Django's own SQLite database, searched exactly with NumPy; no extension is needed (ADR 0001).

    quire_vector_block   up to 256 vectors of one ingestion at a byte a dimension: what a search scans
         │ id = row >> 8
    quire_vector         each vector at two bytes a dimension: what a search reads for the few that may win

A block belongs to one ingestion, so a delete drops whole blocks, and a question about one document reads only its
blocks. Nothing is kept in the process between calls: what is committed as deleted cannot answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar
from uuid import UUID

import numpy as np
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.utils import CursorWrapper

from quire.backends.sqlite_session import reading, writing
from quire.backends.vectorstores.coarse import Candidates, encode, record_type
from quire.core.errors import PermanentError
from quire.core.types import Hit, VectorRecord, Vectors

_Item = TypeVar("_Item")

_SLOT_BITS = 8
_BLOCK_ROWS = 1 << _SLOT_BITS
_SCAN_ROWS = 4096
"""Vectors widened to float32 at once: 6 MB at 384 dimensions."""
_PARAMETERS = 500
"""Values bound to one statement; SQLite's limit may be as low as 999."""
_EXACT = np.dtype("<f2")

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS quire_vector_store (
        id INTEGER PRIMARY KEY CHECK (id = 1), dimensions INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS quire_vector_block (
        id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, upload BLOB NOT NULL, ingestion BLOB NOT NULL,
        live INTEGER NOT NULL, records BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS quire_vector_block_upload ON quire_vector_block (namespace, upload)",
    "CREATE INDEX IF NOT EXISTS quire_vector_block_ingestion ON quire_vector_block (namespace, ingestion, live)",
    "CREATE TABLE IF NOT EXISTS quire_vector (id INTEGER PRIMARY KEY, chunk BLOB NOT NULL, exact BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS quire_vector_chunk ON quire_vector (chunk)",
)


class SqliteVectorStore:
    """Follows `core.ports.VectorStore`; each call joins the caller's transaction where there is one."""

    def __init__(self, *, alias: str = "default") -> None:
        self._alias = alias
        self.is_transactional = alias == DEFAULT_DB_ALIAS

    def prepare(self, *, dimensions: int) -> None:
        with writing(self._alias) as cursor:
            for statement in _SCHEMA:
                cursor.execute(statement)
            cursor.execute("INSERT OR IGNORE INTO quire_vector_store VALUES (1, %s)", [dimensions])
            cursor.execute(  # an empty store has no vectors to disagree with
                "UPDATE quire_vector_store SET dimensions = %s WHERE NOT EXISTS (SELECT 1 FROM quire_vector_block)",
                [dimensions],
            )
            _check_dimensions(cursor, dimensions)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        latest = {UUID(record.id).bytes: record for record in records}
        if not latest:
            return
        with writing(self._alias) as cursor:
            for dimensions in {len(record.values) for record in latest.values()}:
                _check_dimensions(cursor, dimensions)
            _forget(cursor, namespace, list(latest))
            for (upload, ingestion), chunks in _by_ingestion(latest).items():
                for some in _slices(chunks, _BLOCK_ROWS):
                    vectors = np.stack([latest[chunk].values for chunk in some]).astype(np.float32)
                    _append(cursor, (namespace, upload, ingestion), some, vectors)

    def query(
        self, namespace: str, vector: Vectors, *, limit: int, upload_ids: Sequence[str] | None = None
    ) -> list[Hit]:
        if limit < 1:
            return []
        query = np.asarray(vector, dtype=np.float32)
        candidates = Candidates(query=query, limit=limit)
        with reading(self._alias) as cursor:
            _check_dimensions(cursor, len(query))
            kind = record_type(len(query))
            for blob in _scan(cursor, namespace, upload_ids, max_bytes=_SCAN_ROWS * kind.itemsize):
                candidates.add(np.frombuffer(blob, dtype=kind))
            scored = list(_exact_scores(cursor, candidates.rows.tolist(), query))
        scored.sort(key=lambda pair: (-pair[0], pair[1]))
        return [Hit(id=str(UUID(bytes=chunk)), score=score) for score, chunk in scored[:limit]]

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        with reading(self._alias) as cursor:
            cursor.execute(
                "SELECT COALESCE(SUM(live), 0) FROM quire_vector_block WHERE namespace = %s AND ingestion = %s",
                [namespace, UUID(ingestion_id).bytes],
            )
            return int(cursor.fetchone()[0])

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        with writing(self._alias) as cursor:
            cursor.execute(
                "SELECT id FROM quire_vector_block WHERE namespace = %s AND ingestion = %s",
                [namespace, UUID(ingestion_id).bytes],
            )
            blocks: list[int] = [block for (block,) in cursor.fetchall()]
            cursor.executemany(
                "DELETE FROM quire_vector WHERE id BETWEEN %s AND %s",
                [(block << _SLOT_BITS, (block << _SLOT_BITS) + _BLOCK_ROWS - 1) for block in blocks],
            )
            cursor.executemany("DELETE FROM quire_vector_block WHERE id = %s", [(block,) for block in blocks])

    def ingestion_ids(self, namespace: str) -> Iterator[str]:
        """Read by page, so that the caller may delete while it walks."""
        last = b""
        while True:
            with reading(self._alias) as cursor:
                cursor.execute(
                    "SELECT DISTINCT ingestion FROM quire_vector_block WHERE namespace = %s AND ingestion > %s"
                    " ORDER BY ingestion LIMIT %s",
                    [namespace, last, _PARAMETERS],
                )
                page: list[bytes] = [ingestion for (ingestion,) in cursor.fetchall()]
            if not page:
                return
            yield from (str(UUID(bytes=ingestion)) for ingestion in page)
            last = page[-1]


def _check_dimensions(cursor: CursorWrapper, dimensions: int) -> None:
    cursor.execute("SELECT dimensions FROM quire_vector_store")
    held = int(cursor.fetchone()[0])
    if held != dimensions:
        raise PermanentError(
            f"The vector store holds vectors of {held} dimensions, but the embedding model makes {dimensions}: "
            "run `quire reindex`, or set the model that made them.",
            code="dimension_mismatch",
        )


def _by_ingestion(latest: dict[bytes, VectorRecord]) -> dict[tuple[bytes, bytes], list[bytes]]:
    groups: defaultdict[tuple[bytes, bytes], list[bytes]] = defaultdict(list)
    for chunk, record in latest.items():
        metadata = record.metadata
        groups[UUID(metadata["upload_id"]).bytes, UUID(metadata["ingestion_id"]).bytes].append(chunk)
    return groups


def _append(cursor: CursorWrapper, owner: tuple[str, bytes, bytes], chunks: Sequence[bytes], vectors: Vectors) -> None:
    """Write one block. `executemany`, also for one row: Django's debug log would otherwise print every blob."""
    cursor.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM quire_vector_block")
    block = int(cursor.fetchone()[0])
    if not np.isfinite(vectors).all():
        raise ValueError("a vector must be finite: one NaN would outrank every real answer")
    exact = vectors.astype(_EXACT)
    first_row = block << _SLOT_BITS
    records = encode(exact.astype(np.float32), first_row=first_row)
    cursor.executemany(
        "INSERT INTO quire_vector_block (id, namespace, upload, ingestion, live, records)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [(block, *owner, len(chunks), records.tobytes())],
    )
    rows = [(first_row + slot, chunk, exact[slot].tobytes()) for slot, chunk in enumerate(chunks)]
    cursor.executemany("INSERT INTO quire_vector (id, chunk, exact) VALUES (%s, %s, %s)", rows)


def _forget(cursor: CursorWrapper, namespace: str, chunks: Sequence[bytes]) -> None:
    """Take these chunks out of the blocks they stand in, whichever ingestion wrote them."""
    rows_of: defaultdict[int, list[int]] = defaultdict(list)
    for some in _slices(chunks, _PARAMETERS):
        cursor.execute(
            f"SELECT v.id, b.id FROM quire_vector v JOIN quire_vector_block b ON b.id = v.id >> {_SLOT_BITS}"  # noqa: S608 (a constant and placeholders)
            f" WHERE v.chunk IN ({_placeholders(some)}) AND b.namespace = %s",
            [*some, namespace],
        )
        for row, block in cursor.fetchall():
            rows_of[block].append(row)
    for block, rows in rows_of.items():
        _remove_from_block(cursor, block, rows)


def _remove_from_block(cursor: CursorWrapper, block: int, rows: Sequence[int]) -> None:
    cursor.executemany("DELETE FROM quire_vector WHERE id = %s", [(row,) for row in rows])
    cursor.execute(
        "SELECT records, live, dimensions FROM quire_vector_block, quire_vector_store WHERE quire_vector_block.id = %s",
        [block],
    )
    blob, live, dimensions = cursor.fetchone()
    if live == len(rows):
        cursor.execute("DELETE FROM quire_vector_block WHERE id = %s", [block])
        return
    records = np.frombuffer(blob, dtype=record_type(dimensions))
    kept = records[~np.isin(records["row"], rows)]
    cursor.executemany(
        "UPDATE quire_vector_block SET records = %s, live = %s WHERE id = %s", [(kept.tobytes(), len(kept), block)]
    )


def _scan(
    cursor: CursorWrapper, namespace: str, upload_ids: Sequence[str] | None, *, max_bytes: int
) -> Iterator[bytes]:
    """The records of the namespace, or of these documents, joined into blobs of about `max_bytes`."""
    pieces: list[bytes] = []
    size = 0
    for piece in _blocks(cursor, namespace, upload_ids):
        pieces.append(piece)
        size += len(piece)
        if size >= max_bytes:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def _blocks(cursor: CursorWrapper, namespace: str, upload_ids: Sequence[str] | None) -> Iterator[bytes]:
    if upload_ids is None:
        cursor.execute("SELECT records FROM quire_vector_block WHERE namespace = %s", [namespace])
        yield from (records for (records,) in cursor)
        return
    uploads = list({UUID(upload).bytes for upload in upload_ids})
    for some in _slices(uploads, _PARAMETERS):
        cursor.execute(
            f"SELECT records FROM quire_vector_block WHERE namespace = %s AND upload IN ({_placeholders(some)})",  # noqa: S608 (placeholders only)
            [namespace, *some],
        )
        yield from (records for (records,) in cursor)


def _exact_scores(cursor: CursorWrapper, rows: Sequence[int], query: Vectors) -> Iterator[tuple[float, bytes]]:
    for some in _slices(rows, _PARAMETERS):
        cursor.execute(f"SELECT chunk, exact FROM quire_vector WHERE id IN ({_placeholders(some)})", some)  # noqa: S608 (placeholders only)
        found = cursor.fetchall()
        vectors = np.frombuffer(b"".join(exact for _, exact in found), dtype=_EXACT).reshape(len(found), -1)
        scores: list[float] = (vectors.astype(np.float32) @ query).tolist()
        yield from zip(scores, (chunk for chunk, _ in found), strict=True)


def _slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _placeholders(items: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(items))
