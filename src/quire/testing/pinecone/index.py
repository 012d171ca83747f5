"""The data plane of one index: upsert, query, fetch, update, delete, list, statistics and namespaces.

After Pinecone's OpenAPI (2026-04) and the limits that its documentation states. Bodies are those of the API.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from typing import Any

import numpy as np

from quire.testing.pinecone import filters
from quire.testing.pinecone.log import Namespace, Record, Records
from quire.testing.pinecone.refusal import invalid, missing, too_large

Body = dict[str, Any]
Answer = tuple[Body, dict[str, str]]
"""A body and headers."""

MAX_RECORDS = 1000
MAX_IDS = 1000
MAX_TOP_K = 10_000
MAX_METADATA_BYTES = 40 * 1024
MAX_ID_CHARACTERS = 512
MAX_LIST = 100
COMMITTED = "x-pinecone-request-lsn"
INDEXED = "x-pinecone-max-indexed-lsn"


class Index:
    """`visible_after_s`: how long after its acknowledgement a write can be found. It may be changed at any time."""

    def __init__(self, *, dimension: int, metric: str = "cosine") -> None:
        self.dimension = dimension
        self.metric = metric
        self.visible_after_s = 0.0
        self._namespaces: defaultdict[str, Namespace] = defaultdict(Namespace)

    def upsert(self, body: Body) -> Answer:
        vectors = body.get("vectors")
        if not isinstance(vectors, list) or not 1 <= len(vectors) <= MAX_RECORDS:
            raise invalid(f"A request must hold 1 to {MAX_RECORDS} vectors")
        records = dict(self._record(vector) for vector in vectors)
        lsn = self._namespaces[body.get("namespace", "")].append(lambda held: held.update(records))
        return {"upsertedCount": len(vectors)}, {COMMITTED: str(lsn)}

    def query(self, body: Body) -> Answer:
        top_k = body.get("topK")
        if not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
            raise invalid(f"topK must be 1 to {MAX_TOP_K}")
        if ("vector" in body) == ("id" in body):
            raise invalid("Give exactly one of vector and id")
        name, namespace = self._seen(body)
        vector = namespace.records[body["id"]].values if "id" in body else self._values(body["vector"])
        found = self._meant(namespace.records, body.get("filter"))
        matches = [_match(pair, body) for pair in _nearest(found, vector, top_k)]
        answer = {"matches": matches, "namespace": name, "usage": {"readUnits": 1}}
        return answer, {INDEXED: str(namespace.indexed_lsn)}

    def fetch(self, ids: list[str], name: str) -> Answer:
        _, namespace = self._seen({"namespace": name})
        held = {key: _as_vector(key, namespace.records[key]) for key in ids if key in namespace.records}
        return {"vectors": held, "namespace": name, "usage": {"readUnits": 1}}, {}

    def list_ids(self, *, prefix: str, limit: int, token: str, name: str) -> Answer:
        if not 1 <= limit <= MAX_LIST:
            raise invalid(f"limit must be 1 to {MAX_LIST}")
        _, namespace = self._seen({"namespace": name})
        after = _place(token)
        ids = sorted(key for key in namespace.records if key.startswith(prefix) and key > after)
        answer: Body = {"vectors": [{"id": key} for key in ids[:limit]], "namespace": name, "usage": {"readUnits": 1}}
        if len(ids) > limit:
            answer["pagination"] = {"next": base64.b64encode(ids[limit - 1].encode()).decode()}
        return answer, {}

    def delete(self, body: Body) -> Answer:
        chosen = [name for name in ("ids", "deleteAll", "filter") if body.get(name)]
        if len(chosen) != 1:
            raise invalid("Give exactly one of ids, deleteAll and filter")
        if len(ids := body.get("ids") or []) > MAX_IDS:
            raise invalid(f"A request must name 1 to {MAX_IDS} ids")
        condition = filters.check(body["filter"]) if chosen == ["filter"] else None

        def write(held: Records) -> None:
            gone = ids or [key for key, _ in self._meant(held, condition)]
            for key in gone:
                held.pop(key, None)

        return {}, {COMMITTED: str(self._existing(body).append(write))}

    def update(self, body: Body) -> Answer:
        """By id; to update a record that is not there is no error, and is a write all the same."""
        key = body.get("id")
        if not isinstance(key, str):
            raise invalid("This server updates by id only")
        values = self._values(body["values"]) if body.get("values") else None
        changed: Body = _checked_metadata(body.get("setMetadata") or {})

        def write(held: Records) -> None:
            if old := held.get(key):
                new = old.values if values is None else values
                held[key] = Record(values=new, metadata=old.metadata | changed)

        return {}, {COMMITTED: str(self._existing(body).append(write))}

    def describe_index_stats(self, body: Body) -> Answer:
        if body.get("filter"):
            raise invalid("Serverless indexes do not support describing index stats with metadata filtering")
        counts = {name: {"vectorCount": len(held.records)} for name, held in self._existing_namespaces().items()}
        answer = {
            "namespaces": counts,
            "dimension": self.dimension,
            "indexFullness": 0,
            "totalVectorCount": sum(count["vectorCount"] for count in counts.values()),
            "metric": self.metric,
            "vectorType": "dense",
        }
        return answer, {}

    def list_namespaces(self) -> Answer:
        held = self._existing_namespaces()
        described = [{"name": name, "record_count": len(namespace.records)} for name, namespace in held.items()]
        return {"namespaces": described, "total_count": len(described)}, {}

    def describe_namespace(self, name: str) -> Answer:
        return {"name": name, "record_count": len(self._existing({"namespace": name}).records)}, {}

    def delete_namespace(self, name: str) -> Answer:
        self._existing({"namespace": name})
        del self._namespaces[name]
        return {}, {}

    def _seen(self, body: Body) -> tuple[str, Namespace]:
        """A namespace as it can be read now; one that does not exist is read as an empty one."""
        name = body.get("namespace", "")
        return name, self._existing_namespaces().get(name, Namespace())

    def _existing(self, body: Body) -> Namespace:
        if found := self._existing_namespaces().get(body.get("namespace", "")):
            return found
        raise missing("Namespace not found")

    def _existing_namespaces(self) -> dict[str, Namespace]:
        """A namespace exists from the moment when its first write is indexed."""
        for namespace in self._namespaces.values():
            namespace.catch_up(after_s=self.visible_after_s)
        return {name: namespace for name, namespace in self._namespaces.items() if namespace.indexed_lsn}

    def _meant(self, records: Records, condition: object) -> list[tuple[str, Record]]:
        if condition is None:
            return list(records.items())
        wanted = filters.check(condition)
        return [(key, record) for key, record in records.items() if filters.matches(wanted, record.metadata)]

    def _record(self, vector: Body) -> tuple[str, Record]:
        key = vector.get("id")
        if not isinstance(key, str) or not key.isascii() or not 1 <= len(key) <= MAX_ID_CHARACTERS:
            raise invalid(f"Vector ID must be 1 to {MAX_ID_CHARACTERS} ASCII characters, but got {key!r}")
        values = self._values(vector.get("values"))
        if not values.any():
            raise invalid("Dense vectors must contain at least one non-zero value")
        return key, Record(values=values, metadata=_checked_metadata(vector.get("metadata") or {}))

    def _values(self, values: object) -> np.ndarray[Any, np.dtype[np.float32]]:
        if not isinstance(values, list) or not all(isinstance(value, (int, float)) for value in values):
            raise invalid("A vector must be a list of numbers")
        if len(values) != self.dimension:
            raise invalid(f"Vector dimension {len(values)} does not match the dimension of the index {self.dimension}")
        return np.array(values, dtype=np.float32)


def _nearest(found: list[tuple[str, Record]], vector: Any, top_k: int) -> list[tuple[str, Record, float]]:
    if not found:
        return []
    held = np.stack([record.values for _, record in found])
    lengths = np.linalg.norm(held, axis=1) * max(float(np.linalg.norm(vector)), np.finfo(np.float32).tiny)
    scores = (held @ vector) / lengths
    best = np.argsort(-scores, kind="stable")[:top_k]
    return [(*found[place], float(scores[place])) for place in best]


def _match(found: tuple[str, Record, float], body: Body) -> Body:
    key, record, score = found
    match: Body = {"id": key, "score": score}
    if body.get("includeValues"):
        match["values"] = record.values.tolist()
    if body.get("includeMetadata"):
        match["metadata"] = record.metadata
    return match


def _as_vector(key: str, record: Record) -> Body:
    return {"id": key, "values": record.values.tolist(), "metadata": record.metadata}


def _checked_metadata(metadata: Body) -> Body:
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > MAX_METADATA_BYTES:
        raise too_large(
            f"Metadata size is {size} bytes, which exceeds the limit of {MAX_METADATA_BYTES} bytes per vector"
        )
    for field, value in metadata.items():
        is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not is_list and not isinstance(value, (str, int, float)):
            kinds = "a string, number, boolean or list of strings"
            raise invalid(f"Metadata value must be {kinds}, got {value!r} for field {field!r}")
    return metadata


def _place(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("Invalid pagination token") from None
