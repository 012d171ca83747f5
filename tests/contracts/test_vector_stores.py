"""Every vector store keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker
from tests.contracts.postgres_database import postgres_database
from tests.contracts.sqlite_file import sqlite_file
from tests.contracts.vector_store_contract import DIMENSIONS, VectorStoreContract

from quire.backends.vectorstores.pgvector import PgVectorStore
from quire.backends.vectorstores.sqlite import SqliteVectorStore
from quire.core.ports import VectorStore
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
