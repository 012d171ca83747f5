"""What only the FTS5 index promises: stemming, transactions, an index that stays sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker
from tests.contracts.keyword_index_contract import keyword_record
from tests.contracts.sqlite_file import sqlite_file

from quire.backends.keywordindexes.sqlite_fts5 import SqliteKeywordIndex

NAMESPACE = str(uuid4())
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)


@pytest.fixture
def index(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[SqliteKeywordIndex]:
    with django_db_blocker.unblock(), sqlite_file(tmp_path / "quire.sqlite3") as alias:
        index = SqliteKeywordIndex(alias=alias)
        index.prepare()
        yield index


@pytest.fixture
def alias(index: SqliteKeywordIndex) -> str:
    return index._alias


def postings(alias: str) -> list[tuple[str, int]]:
    """Every word still in the index, with the number of rows that hold it."""
    with connections[alias].cursor() as cursor:
        cursor.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, quire_keyword_fts, row)")
        cursor.execute("SELECT term, doc FROM temp.words")
        return list(cursor.fetchall())


def test_english_words_meet_in_their_stem(index: SqliteKeywordIndex) -> None:
    record = keyword_record("The turbines were connected to the generators.")
    index.upsert(NAMESPACE, [record])
    assert [hit.id for hit in index.query(NAMESPACE, "connecting a generator", limit=5)] == [record.id]


def test_accents_may_be_left_out_in_either(index: SqliteKeywordIndex) -> None:
    record = keyword_record("Crème brûlée à Zürich")
    index.upsert(NAMESPACE, [record])
    assert [hit.id for hit in index.query(NAMESPACE, "creme zurich", limit=5)] == [record.id]


def test_words_survive_a_new_connection(index: SqliteKeywordIndex, alias: str) -> None:
    index.upsert(NAMESPACE, [record := keyword_record("steam")])
    connections[alias].close()
    assert [hit.id for hit in index.query(NAMESPACE, "steam", limit=5)] == [record.id]


def test_a_rollback_of_the_caller_takes_the_words_with_it(index: SqliteKeywordIndex, alias: str) -> None:
    index.upsert(NAMESPACE, [kept := keyword_record("steam")])
    with transaction.atomic(using=alias):
        index.upsert(NAMESPACE, [keyword_record("steam")])
        index.delete(NAMESPACE, ingestion_id=kept.metadata["ingestion_id"])
        transaction.set_rollback(True, using=alias)
    assert [hit.id for hit in index.query(NAMESPACE, "steam", limit=5)] == [kept.id]


def test_a_delete_leaves_no_word_behind(index: SqliteKeywordIndex, alias: str) -> None:
    ingestion_id = str(uuid4())
    texts = ["steam turbine", "the sail of a ship", "人工智能", "กรุงเทพ", "naïve Ærøskøbing ﬁle", "steam"]
    index.upsert(NAMESPACE, [keyword_record(text, ingestion_id=ingestion_id, source="a b") for text in texts])
    assert len(postings(alias)) > 10
    index.delete(NAMESPACE, ingestion_id=ingestion_id)
    assert postings(alias) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY_TEXT, title=ANY_TEXT, question=ANY_TEXT)
def test_whatever_is_written_is_found_by_itself_and_forgotten_whole(
    index: SqliteKeywordIndex, alias: str, text: str, title: str, question: str
) -> None:
    record = keyword_record(f"{text} zymurgy", source=title, headings=[title, text])
    index.upsert(NAMESPACE, [record])
    assert len(index.query(NAMESPACE, question, limit=5)) <= 1
    assert [hit.id for hit in index.query(NAMESPACE, f"zymurgy {question}"[:200], limit=5)] == [record.id]
    index.delete(NAMESPACE, ingestion_id=record.metadata["ingestion_id"])
    assert postings(alias) == []


def test_a_number_in_a_question_never_means_a_scope(index: SqliteKeywordIndex, alias: str) -> None:
    """Scopes are indexed as words: nobody may ask for another's by its number."""
    index.upsert(NAMESPACE, [keyword_record("steam")])
    scope_words = [word for word, _ in postings(alias) if word.isdecimal()]
    assert len(scope_words) == 2
    for word in scope_words:
        assert index.query(NAMESPACE, word, limit=5) == []
