"""A vector store and a keyword index in memory: fakes that keep their ports' promises, for tests without a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from quire.backends.keywordindexes.terms import is_fragment, query_terms, searchable
from quire.core.errors import PermanentError
from quire.core.types import Hit, VectorRecord, Vectors


class _Records:
    """The records of each namespace by id."""

    def __init__(self) -> None:
        self._namespaces: defaultdict[str, dict[str, VectorRecord]] = defaultdict(dict)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        self._namespaces[namespace].update((record.id, record) for record in records)

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        return sum(_ingestion(record) == ingestion_id for record in self._namespaces[namespace].values())

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        held = self._namespaces[namespace]
        self._namespaces[namespace] = {key: item for key, item in held.items() if _ingestion(item) != ingestion_id}

    def ingestion_ids(self, namespace: str) -> Iterator[str]:
        yield from sorted({_ingestion(record) for record in self._namespaces[namespace].values()})

    def _within(self, namespace: str, upload_ids: Sequence[str] | None) -> list[VectorRecord]:
        held = self._namespaces[namespace].values()
        return [item for item in held if upload_ids is None or item.metadata["upload_id"] in upload_ids]


class InMemoryVectorStore(_Records):
    """Follows `core.ports.VectorStore` by comparing with every vector."""

    is_transactional = False

    def __init__(self) -> None:
        super().__init__()
        self._dimensions = 0

    def prepare(self, *, dimensions: int) -> None:
        if any(self._namespaces.values()):
            self._check(dimensions)
        self._dimensions = dimensions

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        for record in records:
            self._check(len(record.values))
        super().upsert(namespace, records)

    def query(
        self, namespace: str, vector: Vectors, *, limit: int, upload_ids: Sequence[str] | None = None
    ) -> list[Hit]:
        self._check(len(vector))
        records = self._within(namespace, upload_ids)
        hits = [Hit(id=record.id, score=float(np.dot(record.values, vector))) for record in records]
        return _best(hits, limit)

    def _check(self, dimensions: int) -> None:
        if dimensions != self._dimensions:
            raise PermanentError(
                f"The vector store holds {self._dimensions} dimensions, not {dimensions}: run `quire reindex`.",
                code="dimension_mismatch",
            )


class InMemoryKeywordIndex(_Records):
    """Follows `core.ports.KeywordIndex`; the score is how often the words occur, title and headings at half."""

    def prepare(self) -> None:
        """Nothing to create."""

    def query(self, namespace: str, text: str, *, limit: int, upload_ids: Sequence[str] | None = None) -> list[Hit]:
        terms = query_terms(text)
        hits = [Hit(id=item.id, score=_occurrences(terms, item)) for item in self._within(namespace, upload_ids)]
        return _best([hit for hit in hits if hit.score > 0], limit)


def _ingestion(record: VectorRecord) -> str:
    ingestion_id: str = record.metadata["ingestion_id"]
    return ingestion_id


def _best(hits: list[Hit], limit: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[: max(0, limit)]


def _occurrences(terms: list[str], record: VectorRecord) -> float:
    about = " ".join([record.metadata.get("source") or "", *(record.metadata.get("headings") or ())])
    return _matches(terms, record.metadata["text"]) + 0.5 * _matches(terms, about)


def _matches(terms: list[str], text: str) -> int:
    words = searchable(text).casefold().split()
    return sum(word == term or (is_fragment(term) and word.startswith(term)) for term in terms for word in words)
