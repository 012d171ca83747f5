"""What pgvector alone can do wrong, or has to say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker
from tests.contracts.postgres_database import postgres_database
from tests.contracts.vector_store_contract import unit_vectors, vector_records
from tests.postgres_server import server_url

from quire.backends.vectorstores.pgvector import PgVectorStore
from quire.backends.vectorstores.pgvector_graphs import BUILD_LOCK, graph_name
from quire.core.errors import PermanentError

DIMENSIONS = 32
LARGE = 300


@pytest.fixture(scope="module")
def alias(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock(), postgres_database() as alias:
        PgVectorStore(alias=alias).prepare(dimensions=DIMENSIONS)
        yield alias


@pytest.fixture
def store(alias: str, django_db_blocker: DjangoDbBlocker) -> Iterator[PgVectorStore]:
    """Empty, and of the opinion that `LARGE` vectors are many."""
    with django_db_blocker.unblock():
        with connections[alias].cursor() as cursor:
            cursor.execute("TRUNCATE quire_vector")
        store = PgVectorStore(alias=alias, graph_above=LARGE)
        store.tend()
        yield store


def plan(alias: str, namespace: str) -> str:
    """How PostgreSQL answers the question that the store asks of a whole namespace."""
    question = f"[{','.join('0.1' for _ in range(DIMENSIONS))}]"
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT chunk FROM quire_vector WHERE namespace = %s ORDER BY embedding <#> %s::halfvec LIMIT 5",
            [namespace, question],
        )
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_rollback_takes_the_vectors_with_it(store: PgVectorStore, alias: str) -> None:
    records = vector_records(unit_vectors(3))
    with transaction.atomic(using=alias):
        store.upsert("acme", records)
        transaction.set_rollback(True, using=alias)
    assert store.count("acme", ingestion_id=records[0].metadata["ingestion_id"]) == 0


def test_a_large_namespace_gets_a_graph_and_a_small_one_none(store: PgVectorStore, alias: str) -> None:
    store.upsert("large", vector_records(unit_vectors(LARGE)))
    store.upsert("small", vector_records(unit_vectors(LARGE - 1)))
    assert store.tend() == 1
    assert graph_name("large") in plan(alias, "large")
    assert "graph" not in plan(alias, "small")
    assert store.tend() == 0


def test_a_graph_finds_what_comparing_all_finds(store: PgVectorStore) -> None:
    records = vector_records(unit_vectors(LARGE))
    store.upsert("large", records)
    questions = unit_vectors(20, seed=1)
    compared = [store.query("large", question, limit=10) for question in questions]
    store.tend()
    assert [store.query("large", question, limit=10) for question in questions] == compared


def test_a_graph_that_finds_too_few_does_not_hide_the_others(store: PgVectorStore) -> None:
    vectors = unit_vectors(LARGE)
    records = vector_records(vectors)
    store.upsert("large", records)
    store.tend()
    assert len(store.query("large", vectors[0], limit=LARGE)) == LARGE
    store.delete("large", ingestion_id=records[0].metadata["ingestion_id"])
    left = vector_records(unit_vectors(3, seed=2))
    store.upsert("large", left)
    assert {hit.id for hit in store.query("large", vectors[0], limit=10)} == {record.id for record in left}


def test_one_document_of_a_large_namespace_is_compared_whole(store: PgVectorStore) -> None:
    far, near = -np.abs(unit_vectors(5)), np.abs(unit_vectors(LARGE, seed=3))
    wanted = vector_records(far)
    store.upsert("large", [*wanted, *vector_records(near)])
    store.tend()
    hits = store.query("large", near[0], limit=5, upload_ids=[wanted[0].metadata["upload_id"]])
    assert {hit.id for hit in hits} == {record.id for record in wanted}


def test_a_graph_is_dropped_when_its_namespace_has_shrunk(store: PgVectorStore, alias: str) -> None:
    records = vector_records(unit_vectors(LARGE))
    store.upsert("large", records)
    store.tend()
    store.delete("large", ingestion_id=records[0].metadata["ingestion_id"])
    assert store.tend() == 1
    assert "graph" not in plan(alias, "large")


def test_a_build_that_was_cut_off_is_done_again(store: PgVectorStore, alias: str) -> None:
    store.upsert("large", vector_records(unit_vectors(LARGE)))
    store.tend()
    with connections[alias].cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [graph_name("large")])
    assert len(store.query("large", unit_vectors(1)[0], limit=5)) == 5
    assert store.tend() == 2
    assert graph_name("large") in plan(alias, "large")


def test_two_processes_do_not_build_at_once(store: PgVectorStore, alias: str) -> None:
    store.upsert("large", vector_records(unit_vectors(LARGE)))
    params = connections[alias].get_connection_params()
    there = {name: params[name] for name in ("host", "user", "password", "dbname") if name in params}
    with psycopg.connect(**there, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [BUILD_LOCK])
        assert store.tend() == 0
        other.execute("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK])
        assert store.tend() == 1


def test_an_emptied_store_takes_vectors_of_another_length(store: PgVectorStore) -> None:
    store.prepare(dimensions=DIMENSIONS * 2)
    store.upsert("acme", vector_records(unit_vectors(1, dimensions=DIMENSIONS * 2)))
    with pytest.raises(PermanentError, match="quire reindex"):
        store.prepare(dimensions=DIMENSIONS)
    store.delete("acme", ingestion_id=next(iter(store.ingestion_ids("acme"))))
    store.prepare(dimensions=DIMENSIONS)


def test_who_may_not_switch_the_extension_on_is_told_what_to_do(django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), postgres_database("fresh") as fresh:
        with psycopg.connect(server_url(), autocommit=True) as server:
            server.execute("DO $$ BEGIN CREATE ROLE nobody LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        connections[fresh].settings_dict["USER"] = "nobody"
        with pytest.raises(PermanentError, match="CREATE EXTENSION vector") as refusal:
            PgVectorStore(alias=fresh).prepare(dimensions=DIMENSIONS)
    assert refusal.value.code == "pgvector_missing"
