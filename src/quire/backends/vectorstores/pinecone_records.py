"""Records as Pinecone takes them: named by their ingestion, within its limits for metadata and for a request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from quire.core.types import VectorRecord

MAX_RECORDS = 1000
MAX_REQUEST_BYTES = 2 * 2**20 - 4096
"""2 MB, less what stands around the records."""
MAX_METADATA_BYTES = 40_000
"""40 KB, a little less: it is not told how they are counted."""
MAX_NOTE_BYTES = 2_000
"""Of the document's name, and of the headings: they are copies, SQL has the whole."""
_SEPARATOR = "#"
_DECIMALS = 8
"""More than float32 has for numbers below 1; without rounding each would be sent with 17."""

Item = dict[str, Any]


def prefix_of(ingestion_id: str) -> str:
    """What the ids of its records begin with, so that they can be listed."""
    return f"{ingestion_id}{_SEPARATOR}"


def record_id(record: VectorRecord) -> str:
    return prefix_of(record.metadata["ingestion_id"]) + record.id


def chunk_id(record_id: str) -> str:
    return record_id.rpartition(_SEPARATOR)[2]


def ingestion_id(record_id: str) -> str:
    return record_id.partition(_SEPARATOR)[0]


def batches(records: Iterable[VectorRecord]) -> Iterator[list[Item]]:
    """The records as items of requests, each of which is small enough."""
    batch: list[Item] = []
    size = 0
    for item in map(_item, records):
        item_bytes = _bytes(item) + 1
        if batch and (len(batch) == MAX_RECORDS or size + item_bytes > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item_bytes
    if batch:
        yield batch


def _item(record: VectorRecord) -> Item:
    if not np.isfinite(record.values).all():
        raise ValueError("a vector must be finite: one NaN would outrank every real answer")
    values = np.round(record.values.astype(np.float64), _DECIMALS).tolist()
    return {"id": record_id(record), "values": values, "metadata": _metadata(record.metadata)}


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """What fits: the text is cut where it does not. Pinecone takes no null, and no half of a surrogate pair."""
    kept = {name: _short(value) for name, value in metadata.items() if value is not None and name != "text"}
    room = MAX_METADATA_BYTES - _bytes(kept | {"text": ""})
    text = _clean(str(metadata.get("text", "")))
    while text and (size := _bytes(text) - 2) > room:  # the more is escaped, the less fits
        text = text.encode()[: max(0, len(text.encode()) * room // size - 1)].decode(errors="ignore")
    return kept | {"text": text}


def _short(value: Any) -> Any:
    return _clean(value).encode()[:MAX_NOTE_BYTES].decode(errors="ignore") if isinstance(value, str) else value


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def _bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
