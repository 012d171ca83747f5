"""Every keyword index keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker
from tests.contracts.keyword_index_contract import KeywordIndexContract
from tests.contracts.sqlite_file import sqlite_file

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
