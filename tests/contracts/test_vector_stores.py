"""Every vector store keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker
from tests.contracts.postgres_database import postgres_database
from tests.contracts.sqlite_file import sqlite_file
from tests.contracts.vector_store_contract import DIMENSIONS, VectorStoreContract, unit_vectors, vector_records

from quire.backends.vectorstores.pgvector import PgVectorStore
from quire.backends.vectorstores.pinecone import PineconeVectorStore
from quire.backends.vectorstores.sqlite import SqliteVectorStore
from quire.core.ports import VectorStore
from quire.testing import pinecone_server
from quire.testing.pinecone_server import PineconeServer
from quire.testing.vector_store import InMemoryVectorStore


class TestInMemoryVectorStore(VectorStoreContract):
    @pytest.fixture
    def store(self) -> VectorStore:
        store = InMemoryVectorStore()
        store.prepare(dimensions=DIMENSIONS)
        return store


class TestSqliteVectorStore(VectorStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[VectorStore]:
        with django_db_blocker.unblock(), sqlite_file(tmp_path / "quire.sqlite3") as alias:
            store = SqliteVectorStore(alias=alias)
            store.prepare(dimensions=DIMENSIONS)
            yield store


@pytest.fixture(scope="module")
def postgres(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock(), postgres_database() as alias:
        PgVectorStore(alias=alias).prepare(dimensions=DIMENSIONS)
        yield alias


class TestPgVectorStore(VectorStoreContract):
    @pytest.fixture
    def store(self, postgres: str, django_db_blocker: DjangoDbBlocker) -> Iterator[VectorStore]:
        with django_db_blocker.unblock():
            yield PgVectorStore(alias=postgres)


@pytest.fixture(scope="module")
def pinecone() -> Iterator[PineconeServer]:
    with pinecone_server.serving() as server:
        yield server


@pytest.fixture(scope="module")
def pinecone_store(pinecone: PineconeServer) -> VectorStore:
    """One for all tests: a client of the SDK takes half a second to make."""
    store = PineconeVectorStore(
        api_key=pinecone.api_key, host=pinecone.url, index="quire", create_in="aws/us-east-1", timeout_s=10
    )
    store.prepare(dimensions=DIMENSIONS)
    return store


class PineconeContract(VectorStoreContract):
    visible_after_s: float

    @pytest.fixture
    def store(self, pinecone: PineconeServer, pinecone_store: VectorStore) -> VectorStore:
        pinecone.index.visible_after_s = self.visible_after_s
        return pinecone_store

    def test_upsert_moves_an_id_to_its_new_ingestion(self, store: VectorStore, namespace: str) -> None:
        """Not here, where the ingestion is part of the id, as it is of every chunk's: but it is found only once."""
        vectors = unit_vectors(3)
        records = vector_records(vectors)
        self.put(store, namespace, records)
        self.put(store, namespace, vector_records(vectors, ids=[record.id for record in records]))
        hits = store.query(namespace, vectors[0], limit=10)
        assert sorted(hit.id for hit in hits) == sorted(record.id for record in records)


class TestPineconeVectorStore(PineconeContract):
    visible_after_s = 0.0


class TestPineconeVectorStoreThatLagsBehind(PineconeContract):
    visible_after_s = 0.05
