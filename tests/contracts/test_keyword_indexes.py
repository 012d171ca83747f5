"""Every keyword index keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker
from tests.contracts.keyword_index_contract import KeywordIndexContract
from tests.contracts.postgres_database import postgres_database
from tests.contracts.sqlite_file import sqlite_file

from quire.backends.keywordindexes.postgres import PostgresKeywordIndex
from quire.backends.keywordindexes.sqlite_fts5 import SqliteKeywordIndex
from quire.core.ports import KeywordIndex
from quire.testing.vector_store import InMemoryKeywordIndex


class TestInMemoryKeywordIndex(KeywordIndexContract):
    @pytest.fixture
    def index(self) -> KeywordIndex:
        index = InMemoryKeywordIndex()
        index.prepare()
        return index


class TestSqliteKeywordIndex(KeywordIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[KeywordIndex]:
        with django_db_blocker.unblock(), sqlite_file(tmp_path / "quire.sqlite3") as alias:
            index = SqliteKeywordIndex(alias=alias)
            index.prepare()
            yield index


@pytest.fixture(scope="module")
def postgres(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock(), postgres_database() as alias:
        PostgresKeywordIndex(alias=alias).prepare()
        yield alias


@pytest.mark.parametrize("language", ["english", "simple"])
class TestPostgresKeywordIndex(KeywordIndexContract):
    @pytest.fixture
    def index(self, postgres: str, language: str, django_db_blocker: DjangoDbBlocker) -> Iterator[KeywordIndex]:
        with django_db_blocker.unblock():
            yield PostgresKeywordIndex(language=language, alias=postgres)
