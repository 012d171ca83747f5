"""Vectors at Pinecone, one namespace a tenant: outside of the database, and visible only a while after the write.

A record's id is `<ingestion>#<chunk>`, so that the records of a run can be listed by prefix: to count them, and to
delete them by their ids, which Pinecone does in the order of its log, so that they can be written again at once.

    upsert ──► acknowledged, with a number (LSN) that rises in its namespace ──► indexed: found by queries

`settle` is where the wait for that belongs. It makes a write that changes nothing, whose number lies above those of
all writes before it, whichever process made them, and asks until the index has come so far. That takes seconds, which
a worker spends waiting. Where it takes longer, the document waits as it does for a quota, and no attempt is used up.
A delete is not waited for: whoever purges counts, and comes again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from pinecone import Index
from pinecone.errors.exceptions import NotFoundError

from quire.backends.providers.per_process import PerProcess
from quire.backends.providers.pinecone import NAME, PineconeAccount
from quire.backends.vectorstores import pinecone_index, pinecone_records
from quire.core.errors import PermanentError, RateLimited
from quire.core.types import Hit, VectorRecord, Vectors

_Item = TypeVar("_Item")
MAX_TOP_K = 10_000
MAX_IDS = 1000
"""Deleted by one request."""
MAX_CHOICES = 10_000
"""Values of one `$in`."""
LOOK_AGAIN_S = 15.0
"""After a wait for the index was given up."""
_NOBODY = "settle"
"""The id of no record: an update of it changes nothing, and is numbered all the same."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    index: Index
    dimensions: int


class PineconeVectorStore:
    """Follows `core.ports.VectorStore` and `SettlesLater`. Safe in threads, and over a fork.

    `host` is the control plane, Pinecone's own when empty; `create_in` a cloud and a region such as `aws/us-east-1`
    where a missing index is created, or empty.
    """

    is_transactional = False

    def __init__(
        self,
        *,
        api_key: str,
        host: str = "",
        index: str,
        create_in: str = "",
        timeout_s: float = 60,
        question_timeout_s: float | None = None,
        settles_within_s: float = 10,
    ) -> None:
        self._account = PineconeAccount(api_key=api_key, host=host, timeout_s=timeout_s)
        self._question_timeout_s = question_timeout_s
        self._name = index
        self._create_in = create_in
        self._settles_within_s = settles_within_s
        self._connections = PerProcess(self._connect, close=lambda made: made.index.close())
        self._written: dict[str, int] = {}
        """By namespace: the number of our last write."""

    def prepare(self, *, dimensions: int) -> None:
        place = pinecone_index.find_or_create(
            self._account, self._name, dimensions=dimensions, create_in=self._create_in
        )
        self._check(held=place.dimensions, given=dimensions)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        latest = {record.id: record for record in records}
        if not latest:
            return
        index = self._index_for(*latest.values())
        for batch in pinecone_records.batches(latest.values()):
            with self._account.call():
                info = index.upsert(vectors=batch, namespace=namespace).response_info
            self._written[namespace] = (info and info.lsn_committed) or 0

    def query(
        self, namespace: str, vector: Vectors, *, limit: int, upload_ids: Sequence[str] | None = None
    ) -> list[Hit]:
        if limit < 1:
            return []
        connection = self._connections.get()
        self._check(held=connection.dimensions, given=len(vector))
        scores: dict[str, float] = {}
        for condition in _conditions(upload_ids):
            nearest = self._nearest(
                namespace, vector, limit=limit, condition=condition, timeout_s=self._question_timeout_s
            )
            for key, score in nearest:
                chunk = pinecone_records.chunk_id(key)
                scores[chunk] = max(score, scores.get(chunk, -1.0))
        best = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
        return [Hit(id=chunk, score=score) for chunk, score in best[:limit]]

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        return len(self._ids(namespace, ingestion_id))

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        index = self._connections.get().index
        for some in _slices(sorted(self._ids(namespace, ingestion_id)), MAX_IDS):
            with self._account.call():
                try:
                    index.delete(ids=list(some), namespace=namespace)
                except NotFoundError:  # the namespace is gone, and they with it
                    return

    def ingestion_ids(self, namespace: str) -> Iterator[str]:
        """The list comes sorted, so that a run's records stand together."""
        last = ""
        for key in self._listed(namespace, prefix=""):
            if (ingestion_id := pinecone_records.ingestion_id(key)) != last:
                last = ingestion_id
                yield ingestion_id

    def settle(self, namespace: str) -> None:
        """Return when queries see all that was written to this namespace before. `RateLimited` where it takes long."""
        target = self._number_of_now(namespace) or self._written.get(namespace, 0)
        deadline, pause = time.monotonic() + self._settles_within_s, _FIRST_PAUSE_S
        while not self._has_come_to(target, namespace):
            if time.monotonic() > deadline:
                message = f"{NAME} has not yet indexed what was written {self._settles_within_s:g} s ago."
                raise RateLimited(message, retry_after_s=LOOK_AGAIN_S, waiting_for="the vector store")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _connect(self) -> _Connection:
        place = pinecone_index.find(self._account, self._name)
        return _Connection(index=self._account.index(place.host), dimensions=place.dimensions)

    def _index_for(self, *records: VectorRecord) -> Index:
        connection = self._connections.get()
        for dimensions in {len(record.values) for record in records}:
            self._check(held=connection.dimensions, given=dimensions)
        return connection.index

    def _check(self, *, held: int, given: int) -> None:
        if held != given:
            message = (
                f"The index “{self._name}” at {NAME} holds vectors of {held} dimensions, but the embedding model makes "
                f"{given}: name another index in QUIRE_PINECONE_INDEX and run `quire reindex`, or set the model that "
                "made them."
            )
            raise PermanentError(message, code="dimension_mismatch")

    def _ids(self, namespace: str, ingestion_id: str) -> set[str]:
        """Every record of a run that the list or a query shows: each may be behind the other."""
        listed = set(self._listed(namespace, prefix=pinecone_records.prefix_of(ingestion_id)))
        condition = {"ingestion_id": {"$eq": ingestion_id}}
        found = self._nearest(namespace, self._any_vector(), limit=MAX_TOP_K, condition=condition)
        return listed | {key for key, _ in found}

    def _listed(self, namespace: str, *, prefix: str) -> Iterator[str]:
        """Ids in order, read by page, so that the caller may delete while it walks."""
        index, token = self._connections.get().index, None
        while True:
            with self._account.call():
                page = index.list_paginated(prefix=prefix, pagination_token=token, namespace=namespace)
            yield from (item.id for item in page.vectors if item.id is not None)
            token = page.pagination.next if page.pagination else None
            if not token:
                return

    def _nearest(
        self,
        namespace: str,
        vector: Vectors,
        *,
        limit: int,
        condition: Mapping[str, object] | None,
        timeout_s: float | None = None,
    ) -> list[tuple[str, float]]:
        values = np.asarray(vector, dtype=np.float64).tolist()
        asked: dict[str, Any] = {"vector": values, "top_k": min(limit, MAX_TOP_K), "namespace": namespace}
        with self._account.call(timeout_s=timeout_s):
            found = self._connections.get().index.query(**asked, filter=condition, timeout=timeout_s)
        return [(match.id, match.score) for match in found.matches]

    def _number_of_now(self, namespace: str) -> int:
        """The number of a write that is made now; 0 where none is told, as in a namespace that is not known yet."""
        with self._account.call():
            try:
                answer = self._connections.get().index.update(
                    id=_NOBODY, namespace=namespace, set_metadata={"is": "now"}
                )
            except NotFoundError:
                return 0
        return (answer.response_info and answer.response_info.lsn_committed) or 0

    def _has_come_to(self, target: int, namespace: str) -> bool:
        """True also where the answer does not tell, as from an index that is not serverless."""
        if not target:
            return True
        with self._account.call():
            info = (
                self._connections.get()
                .index.query(vector=self._any_vector().tolist(), top_k=1, namespace=namespace)
                .response_info
            )
        reached = info.lsn_reconciled if info else None
        return reached is None or reached >= target

    def _any_vector(self) -> Vectors:
        vector = np.zeros(self._connections.get().dimensions, dtype=np.float32)
        vector[0] = 1
        return vector


def _conditions(upload_ids: Sequence[str] | None) -> Iterator[Mapping[str, object] | None]:
    """A filter for each query that it takes: one, unless very many documents are named."""
    if upload_ids is None:
        yield None
        return
    for some in _slices(sorted(set(upload_ids)), MAX_CHOICES):
        yield {"upload_id": {"$in": list(some)}}


def _slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
