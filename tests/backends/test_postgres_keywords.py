"""What the full-text index of PostgreSQL alone can do wrong, or has to say."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker
from tests.contracts.keyword_index_contract import keyword_record
from tests.contracts.postgres_database import postgres_database

from quire.backends.keywordindexes.postgres import PostgresKeywordIndex
from quire.core.errors import PermanentError


@pytest.fixture(scope="module")
def alias(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock(), postgres_database() as alias:
        PostgresKeywordIndex(alias=alias).prepare()
        yield alias


@pytest.fixture
def namespace(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock():
        yield str(uuid4())


def found(index: PostgresKeywordIndex, namespace: str, text: str, *, limit: int = 50) -> list[str]:
    return [hit.id for hit in index.query(namespace, text, limit=limit)]


def test_an_unknown_language_is_refused_with_those_there_are(alias: str, namespace: str) -> None:
    with pytest.raises(PermanentError, match=r"german.*simple") as refusal:
        PostgresKeywordIndex(language="klingon", alias=alias).prepare()
    assert refusal.value.code == "search_language_unknown"


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("english", "the turbines were running", "turbine runs"),
        ("english", "their résumés", "resume"),
        ("german", "die Häuser der Städte", "Haus"),
        ("german", "die großen Straßen", "STRASSE"),
        ("french", "les machines étaient réparées", "réparer"),
        ("russian", "новые турбины", "турбина"),
    ],
)
def test_words_are_found_by_their_stem_in_the_language_chosen(
    alias: str, namespace: str, language: str, text: str, question: str
) -> None:
    index = PostgresKeywordIndex(language=language, alias=alias)
    index.upsert(namespace, [record := keyword_record(text), keyword_record("xyz")])
    assert found(index, namespace, question) == [record.id]


def test_stop_words_are_those_of_the_language_chosen(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(language="german", alias=alias)
    index.upsert(namespace, [record := keyword_record("das ist nicht die Turbine"), keyword_record("das ist nicht")])
    assert found(index, namespace, "ist das nicht die Turbine") == [record.id]
    assert len(found(index, namespace, "ist das nicht")) == 2


def test_a_rare_word_counts_more_than_a_common_one(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(alias=alias)
    rare, often = keyword_record("turbine of some kind here"), keyword_record("steam steam steam steam here")
    index.upsert(namespace, [rare, often, *(keyword_record(f"steam of w{n} here") for n in range(50))])
    assert found(index, namespace, "steam turbine")[0] == rare.id


def test_in_a_large_tenant_the_rarer_words_decide_and_common_ones_alone_are_found(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(alias=alias, ranked_chunks=100)
    rare = [keyword_record(f"turbine of steam w{n}") for n in range(5)]
    index.upsert(namespace, [*rare, *(keyword_record(f"steam of some kind w{n}") for n in range(1000))])
    with connections[alias].cursor() as cursor:
        cursor.execute("ANALYZE quire_keyword")
        cursor.execute("SET debug_parallel_query = on")  # as the planner may choose for a table that is large enough
    assert set(found(index, namespace, "steam turbine")) == {record.id for record in rare}
    assert len(found(index, namespace, "steam", limit=50)) == 50
    assert len(found(index, namespace, "steam", limit=300)) == 300


def test_a_rollback_takes_the_words_with_it(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(alias=alias)
    with transaction.atomic(using=alias):
        index.upsert(namespace, [keyword_record("steam")])
        transaction.set_rollback(True, using=alias)
    assert found(index, namespace, "steam") == []


def test_a_word_of_a_thousand_letters_is_found(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(alias=alias)
    index.upsert(namespace, [record := keyword_record("ж" * 5_000)])
    assert found(index, namespace, "ж" * 5_000) == [record.id]


def test_a_chunk_as_large_as_a_book_is_indexed(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(alias=alias)
    text = " ".join(f"word{n % 20_000}" for n in range(200_000))
    index.upsert(namespace, [record := keyword_record(f"{text} zymurgy")])
    assert found(index, namespace, "zymurgy") == [record.id]
    assert found(index, namespace, "word7") == [record.id]


def test_many_words_with_one_beginning_are_many_of_it_and_no_more(alias: str, namespace: str) -> None:
    index = PostgresKeywordIndex(alias=alias)
    many = keyword_record(" ".join(f"山{chr(0x4E00 + n)}" for n in range(40)))
    few, none = keyword_record("山の上 " + "a b c d " * 10), keyword_record("x y z " * 13)
    index.upsert(namespace, [many, few, none])
    hits = index.query(namespace, "山", limit=5)
    assert [hit.id for hit in hits] == [many.id, few.id]
    assert 0 < hits[1].score < hits[0].score < 10
