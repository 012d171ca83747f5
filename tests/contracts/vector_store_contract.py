"""What every vector store promises; a test class of a backend inherits it and gives it a `store`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import numpy as np
import pytest

from quire.core.errors import PermanentError
from quire.core.ports import SettlesLater, VectorStore
from quire.core.types import VectorRecord, Vectors

DIMENSIONS = 32


def unit_vectors(count: int, *, seed: int = 0, dimensions: int = DIMENSIONS) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    unit: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def vector_records(
    vectors: Vectors, *, upload_id: str | None = None, ingestion_id: str | None = None, ids: Sequence[str] | None = None
) -> list[VectorRecord]:
    upload_id, ingestion_id = upload_id or str(uuid4()), ingestion_id or str(uuid4())
    return [
        VectorRecord(
            id=ids[ordinal] if ids else str(uuid4()),
            values=values,
            metadata={
                "page": 1,
                "source": "report.pdf",
                "text": f"chunk {ordinal}",
                "upload_id": upload_id,
                "ingestion_id": ingestion_id,
                "ordinal": ordinal,
                "headings": [],
            },
        )
        for ordinal, values in enumerate(vectors)
    ]


class VectorStoreContract:
    @pytest.fixture
    def namespace(self) -> str:
        """New for each test, so that an outside store needs no clearing."""
        return str(uuid4())

    def settle(self, store: VectorStore, namespace: str) -> None:
        """Wait until what was written can be read; for stores that are consistent only after a while."""
        if isinstance(store, SettlesLater):
            store.settle(namespace)

    def put(self, store: VectorStore, namespace: str, records: Sequence[VectorRecord]) -> None:
        store.upsert(namespace, records)
        self.settle(store, namespace)

    def test_an_empty_namespace_has_no_hits(self, store: VectorStore, namespace: str) -> None:
        assert store.query(namespace, unit_vectors(1)[0], limit=5) == []

    def test_a_vector_is_found_under_its_own_id_with_cosine_one(self, store: VectorStore, namespace: str) -> None:
        (record,) = vector_records(unit_vectors(1))
        self.put(store, namespace, [record])
        (hit,) = store.query(namespace, record.values, limit=5)
        assert hit.id == record.id
        assert hit.score == pytest.approx(1.0, abs=1e-2)

    def test_the_score_is_the_cosine(self, store: VectorStore, namespace: str) -> None:
        vectors = unit_vectors(20)
        records = vector_records(vectors)
        self.put(store, namespace, records)
        scores = {hit.id: hit.score for hit in store.query(namespace, vectors[3], limit=20)}
        for record in records:
            assert scores[record.id] == pytest.approx(float(record.values @ vectors[3]), abs=1e-2)

    def test_opposite_vectors_score_minus_one(self, store: VectorStore, namespace: str) -> None:
        (vector,) = unit_vectors(1)
        self.put(store, namespace, vector_records(-vector[None]))
        assert store.query(namespace, vector, limit=1)[0].score == pytest.approx(-1.0, abs=1e-2)

    def test_the_nearest_of_a_thousand_come_best_first(self, store: VectorStore, namespace: str) -> None:
        records = vector_records(unit_vectors(1000))
        (question,) = unit_vectors(1, seed=1)
        self.put(store, namespace, records)
        hits = store.query(namespace, question, limit=10)
        by_cosine = sorted(records, key=lambda record: -float(record.values @ question))
        assert [hit.id for hit in hits] == [record.id for record in by_cosine[:10]]
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    @pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (3, 3), (50, 5)])
    def test_no_more_than_limit_hits_come(self, store: VectorStore, namespace: str, limit: int, expected: int) -> None:
        vectors = unit_vectors(5)
        self.put(store, namespace, vector_records(vectors))
        assert len(store.query(namespace, vectors[0], limit=limit)) == expected

    def test_query_never_crosses_namespaces(self, store: VectorStore, namespace: str) -> None:
        records = vector_records(unit_vectors(3))
        self.put(store, namespace, records)
        upload_id = records[0].metadata["upload_id"]
        assert store.query(str(uuid4()), records[0].values, limit=5) == []
        assert store.query(str(uuid4()), records[0].values, limit=5, upload_ids=[upload_id]) == []

    def test_the_same_id_lives_in_two_namespaces(self, store: VectorStore, namespace: str) -> None:
        (record,) = vector_records(unit_vectors(1))
        other, ingestion_id = str(uuid4()), record.metadata["ingestion_id"]
        self.put(store, namespace, [record])
        self.put(store, other, [record])
        store.delete(other, ingestion_id=ingestion_id)
        self.settle(store, other)
        assert store.count(namespace, ingestion_id=ingestion_id) == 1
        assert store.count(other, ingestion_id=ingestion_id) == 0

    def test_query_keeps_to_the_documents_named(self, store: VectorStore, namespace: str) -> None:
        vectors = unit_vectors(30)
        one, two, three = (vector_records(vectors[start : start + 10]) for start in (0, 10, 20))
        self.put(store, namespace, [*one, *two, *three])
        wanted = [one[0].metadata["upload_id"], three[0].metadata["upload_id"]]
        hits = store.query(namespace, vectors[12], limit=30, upload_ids=wanted)
        assert {hit.id for hit in hits} == {record.id for record in [*one, *three]}

    def test_no_documents_named_means_no_hits(self, store: VectorStore, namespace: str) -> None:
        vectors = unit_vectors(2)
        self.put(store, namespace, vector_records(vectors))
        assert store.query(namespace, vectors[0], limit=5, upload_ids=[]) == []
        assert store.query(namespace, vectors[0], limit=5, upload_ids=[str(uuid4())]) == []

    def test_a_thousand_documents_may_be_named(self, store: VectorStore, namespace: str) -> None:
        records = vector_records(unit_vectors(2))
        self.put(store, namespace, records)
        names = [*(str(uuid4()) for _ in range(1000)), records[0].metadata["upload_id"]]
        assert len(store.query(namespace, records[0].values, limit=5, upload_ids=names)) == 2

    def test_the_same_upsert_twice_does_not_double(self, store: VectorStore, namespace: str) -> None:
        records = vector_records(unit_vectors(10))
        self.put(store, namespace, records)
        self.put(store, namespace, records)
        assert store.count(namespace, ingestion_id=records[0].metadata["ingestion_id"]) == 10
        hits = store.query(namespace, records[0].values, limit=50)
        assert sorted(hit.id for hit in hits) == sorted(record.id for record in records)

    def test_an_id_given_twice_in_one_upsert_is_kept_once(self, store: VectorStore, namespace: str) -> None:
        first, second = unit_vectors(2)
        records = vector_records(np.stack([first, second]), ids=[chunk_id := str(uuid4()), chunk_id])
        self.put(store, namespace, records)
        (hit,) = store.query(namespace, second, limit=5)
        assert hit.score == pytest.approx(1.0, abs=1e-2)

    def test_upsert_replaces_the_vector_of_an_id_and_no_other(self, store: VectorStore, namespace: str) -> None:
        old, new = unit_vectors(10), unit_vectors(1, seed=7)
        records = vector_records(old)
        self.put(store, namespace, records)
        metadata = records[4].metadata
        self.put(store, namespace, [VectorRecord(id=records[4].id, values=new[0], metadata=metadata)])
        assert store.count(namespace, ingestion_id=metadata["ingestion_id"]) == 10
        assert store.query(namespace, new[0], limit=1)[0].id == records[4].id
        for record in [*records[:4], *records[5:]]:
            best = store.query(namespace, record.values, limit=1)[0]
            assert best.id == record.id
            assert best.score == pytest.approx(1.0, abs=1e-2)

    def test_upsert_moves_an_id_to_its_new_ingestion(self, store: VectorStore, namespace: str) -> None:
        vectors = unit_vectors(3)
        records = vector_records(vectors)
        self.put(store, namespace, records)
        moved = vector_records(vectors, ids=[record.id for record in records])
        self.put(store, namespace, moved)
        assert store.count(namespace, ingestion_id=records[0].metadata["ingestion_id"]) == 0
        assert store.count(namespace, ingestion_id=moved[0].metadata["ingestion_id"]) == 3
        assert list(store.ingestion_ids(namespace)) == [moved[0].metadata["ingestion_id"]]

    def test_an_upsert_of_nothing_changes_nothing(self, store: VectorStore, namespace: str) -> None:
        store.upsert(namespace, [])
        assert list(store.ingestion_ids(namespace)) == []

    def test_many_small_upserts_count_as_one_large(self, store: VectorStore, namespace: str) -> None:
        upload_id, ingestion_id = str(uuid4()), str(uuid4())
        records = vector_records(unit_vectors(40), upload_id=upload_id, ingestion_id=ingestion_id)
        for start in range(0, 40, 8):
            store.upsert(namespace, records[start : start + 8])
        self.settle(store, namespace)
        assert store.count(namespace, ingestion_id=ingestion_id) == 40
        assert len(store.query(namespace, records[0].values, limit=100)) == 40

    def test_delete_removes_exactly_one_ingestion_of_a_document(self, store: VectorStore, namespace: str) -> None:
        upload_id, vectors = str(uuid4()), unit_vectors(20)
        old = vector_records(vectors[:10], upload_id=upload_id)
        new = vector_records(vectors[10:], upload_id=upload_id)
        self.put(store, namespace, [*old, *new])
        store.delete(namespace, ingestion_id=old[0].metadata["ingestion_id"])
        self.settle(store, namespace)
        hits = store.query(namespace, vectors[0], limit=50, upload_ids=[upload_id])
        assert {hit.id for hit in hits} == {record.id for record in new}
        assert store.count(namespace, ingestion_id=old[0].metadata["ingestion_id"]) == 0
        assert store.count(namespace, ingestion_id=new[0].metadata["ingestion_id"]) == 10

    def test_deleting_what_is_not_there_is_no_error(self, store: VectorStore, namespace: str) -> None:
        store.delete(namespace, ingestion_id=str(uuid4()))
        assert store.count(namespace, ingestion_id=str(uuid4())) == 0

    def test_a_deleted_ingestion_can_be_written_again(self, store: VectorStore, namespace: str) -> None:
        records = vector_records(unit_vectors(3))
        ingestion_id = records[0].metadata["ingestion_id"]
        self.put(store, namespace, records)
        store.delete(namespace, ingestion_id=ingestion_id)
        self.settle(store, namespace)
        self.put(store, namespace, records)
        assert store.count(namespace, ingestion_id=ingestion_id) == 3

    def test_each_ingestion_of_a_namespace_is_named_once(self, store: VectorStore, namespace: str) -> None:
        first, second = vector_records(unit_vectors(3)), vector_records(unit_vectors(3))
        for record in [*first, *second]:
            store.upsert(namespace, [record])
        self.settle(store, namespace)
        self.put(store, str(uuid4()), vector_records(unit_vectors(1)))
        expected = sorted([first[0].metadata["ingestion_id"], second[0].metadata["ingestion_id"]])
        assert sorted(store.ingestion_ids(namespace)) == expected

    def test_prepare_twice_keeps_what_is_there(self, store: VectorStore, namespace: str) -> None:
        records = vector_records(unit_vectors(3))
        self.put(store, namespace, records)
        store.prepare(dimensions=DIMENSIONS)
        assert store.count(namespace, ingestion_id=records[0].metadata["ingestion_id"]) == 3

    def test_other_dimensions_are_refused_with_what_to_do(self, store: VectorStore, namespace: str) -> None:
        self.put(store, namespace, vector_records(unit_vectors(1)))
        with pytest.raises(PermanentError, match="quire reindex") as refusal:
            store.prepare(dimensions=DIMENSIONS + 1)
        assert refusal.value.code == "dimension_mismatch"

    def test_a_vector_of_other_dimensions_is_neither_written_nor_searched(
        self, store: VectorStore, namespace: str
    ) -> None:
        (good,) = vector_records(unit_vectors(1))
        (odd,) = vector_records(unit_vectors(1, dimensions=DIMENSIONS + 1), ingestion_id=good.metadata["ingestion_id"])
        self.put(store, namespace, [good])
        with pytest.raises(PermanentError, match="dimensions"):
            store.upsert(namespace, [odd])
        with pytest.raises(PermanentError, match="dimensions"):
            store.query(namespace, odd.values, limit=1)
        assert store.count(namespace, ingestion_id=good.metadata["ingestion_id"]) == 1
