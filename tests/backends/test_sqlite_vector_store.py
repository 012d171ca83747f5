"""What only the store in SQLite promises: transactions, processes, exactness at the byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker
from tests.contracts.sqlite_file import sqlite_file
from tests.contracts.vector_store_contract import unit_vectors, vector_records

from quire.backends.vectorstores.sqlite import SqliteVectorStore
from quire.core.errors import TransientError

DIMENSIONS = 384
NAMESPACE = str(uuid4())


@pytest.fixture
def store(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[SqliteVectorStore]:
    with django_db_blocker.unblock(), sqlite_file(tmp_path / "quire.sqlite3") as alias:
        store = SqliteVectorStore(alias=alias)
        store.prepare(dimensions=DIMENSIONS)
        yield store


@pytest.fixture
def alias(store: SqliteVectorStore) -> str:
    return store._alias


def rows(alias: str, table: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 (names in this file)
        return int(cursor.fetchone()[0])


def test_vectors_survive_a_new_connection(store: SqliteVectorStore, alias: str) -> None:
    records = vector_records(unit_vectors(300, dimensions=DIMENSIONS))
    store.upsert(NAMESPACE, records)
    connections[alias].close()
    assert store.query(NAMESPACE, records[299].values, limit=1)[0].id == records[299].id


def test_a_rollback_of_the_caller_takes_the_vectors_with_it(store: SqliteVectorStore, alias: str) -> None:
    kept, lost = (vector_records(unit_vectors(3, dimensions=DIMENSIONS)) for _ in range(2))
    store.upsert(NAMESPACE, kept)
    with transaction.atomic(using=alias):
        store.upsert(NAMESPACE, lost)
        store.delete(NAMESPACE, ingestion_id=kept[0].metadata["ingestion_id"])
        assert store.count(NAMESPACE, ingestion_id=lost[0].metadata["ingestion_id"]) == 3
        transaction.set_rollback(True, using=alias)
    assert list(store.ingestion_ids(NAMESPACE)) == [kept[0].metadata["ingestion_id"]]
    assert {hit.id for hit in store.query(NAMESPACE, kept[0].values, limit=9)} == {record.id for record in kept}


def test_a_store_in_the_default_database_is_transactional(store: SqliteVectorStore) -> None:
    assert SqliteVectorStore().is_transactional
    assert not store.is_transactional


def test_hits_equal_a_full_comparison_where_all_vectors_are_close(store: SqliteVectorStore) -> None:
    """Clustered tightly: one byte a dimension alone would get the order wrong."""
    vectors = unit_vectors(1, dimensions=DIMENSIONS) + 0.02 * unit_vectors(6000, dimensions=DIMENSIONS, seed=1)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    records = vector_records(vectors)
    store.upsert(NAMESPACE, records)
    for question in unit_vectors(5, dimensions=DIMENSIONS, seed=2):
        exact = vectors @ question
        hits = store.query(NAMESPACE, question, limit=10)
        assert [hit.score for hit in hits] == pytest.approx(np.sort(exact)[::-1][:10].tolist(), abs=1e-6)


def test_equal_vectors_all_come(store: SqliteVectorStore) -> None:
    vectors = np.repeat(unit_vectors(1, dimensions=DIMENSIONS), 700, axis=0)
    store.upsert(NAMESPACE, vector_records(vectors))
    assert len(store.query(NAMESPACE, vectors[0], limit=700)) == 700
    assert len(store.query(NAMESPACE, vectors[0], limit=10)) == 10


def test_a_delete_leaves_no_row_behind(store: SqliteVectorStore, alias: str) -> None:
    records = vector_records(unit_vectors(600, dimensions=DIMENSIONS))
    store.upsert(NAMESPACE, records)
    store.upsert(NAMESPACE, records[::7])
    store.delete(NAMESPACE, ingestion_id=records[0].metadata["ingestion_id"])
    assert rows(alias, "quire_vector") == rows(alias, "quire_vector_block") == 0


def test_replacing_leaves_one_row_an_id(store: SqliteVectorStore, alias: str) -> None:
    records = vector_records(unit_vectors(600, dimensions=DIMENSIONS))
    store.upsert(NAMESPACE, records)
    store.upsert(NAMESPACE, records[100:500])
    assert rows(alias, "quire_vector") == 600
    assert store.count(NAMESPACE, ingestion_id=records[0].metadata["ingestion_id"]) == 600
    best = [store.query(NAMESPACE, record.values, limit=1) for record in records[90:110]]
    assert [hit.id for hits in best for hit in hits] == [record.id for record in records[90:110]]


def test_an_emptied_store_takes_other_dimensions(store: SqliteVectorStore) -> None:
    records = vector_records(unit_vectors(3, dimensions=DIMENSIONS))
    store.upsert(NAMESPACE, records)
    store.delete(NAMESPACE, ingestion_id=records[0].metadata["ingestion_id"])
    store.prepare(dimensions=8)
    store.upsert(NAMESPACE, small := vector_records(unit_vectors(1, dimensions=8)))
    assert store.query(NAMESPACE, small[0].values, limit=1)[0].id == small[0].id


def test_a_vector_that_is_not_finite_is_refused_whole(store: SqliteVectorStore) -> None:
    vectors = unit_vectors(3, dimensions=DIMENSIONS)
    vectors[1, 5] = np.nan
    with pytest.raises(ValueError, match="finite"):
        store.upsert(NAMESPACE, vector_records(vectors))
    assert list(store.ingestion_ids(NAMESPACE)) == []


def test_a_zero_vector_is_kept_and_scores_zero(store: SqliteVectorStore) -> None:
    store.upsert(NAMESPACE, vector_records(np.zeros((1, DIMENSIONS), dtype=np.float32)))
    assert store.query(NAMESPACE, unit_vectors(1, dimensions=DIMENSIONS)[0], limit=1)[0].score == 0.0


def test_the_caller_may_delete_while_it_walks_the_ingestions(store: SqliteVectorStore) -> None:
    (vector,) = unit_vectors(1, dimensions=DIMENSIONS)
    with transaction.atomic(using=store._alias):
        for _ in range(1100):
            store.upsert(NAMESPACE, vector_records(vector[None]))
    walked = 0
    for ingestion_id in store.ingestion_ids(NAMESPACE):
        store.delete(NAMESPACE, ingestion_id=ingestion_id)
        walked += 1
    assert walked == 1100
    assert list(store.ingestion_ids(NAMESPACE)) == []


def test_a_question_needs_no_write_lock(store: SqliteVectorStore, alias: str) -> None:
    records = vector_records(unit_vectors(3, dimensions=DIMENSIONS))
    store.upsert(NAMESPACE, records)
    found: list[int] = []

    def ask() -> None:
        found.append(len(store.query(NAMESPACE, records[0].values, limit=5)))
        connections[alias].close()

    with transaction.atomic(using=alias):
        store.delete(NAMESPACE, ingestion_id=records[0].metadata["ingestion_id"])
        asker = threading.Thread(target=ask)
        asker.start()
        asker.join(timeout=20)
    assert found == [3]  # what was committed, while the delete was not


def test_writers_in_threads_lose_nothing(store: SqliteVectorStore, alias: str) -> None:
    per_writer = [vector_records(unit_vectors(40, dimensions=DIMENSIONS, seed=seed)) for seed in range(3)]

    def write(number: int) -> None:
        for start in range(0, 40, 8):
            store.upsert(NAMESPACE, per_writer[number][start : start + 8])
        connections[alias].close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert [store.count(NAMESPACE, ingestion_id=some[0].metadata["ingestion_id"]) for some in per_writer] == [40] * 3
    assert len(store.query(NAMESPACE, per_writer[0][0].values, limit=500)) == 120


def test_a_database_that_does_not_answer_is_a_transient_error(tmp_path: Path, store: SqliteVectorStore) -> None:
    connections[store._alias].close()
    connections[store._alias].settings_dict["NAME"] = str(tmp_path / "no" / "such" / "folder.sqlite3")
    with pytest.raises(TransientError, match="database") as failure:
        store.count(NAMESPACE, ingestion_id=str(uuid4()))
    assert failure.value.code == "database_unavailable"
