"""The doctor examines each part; what fails says what to do."""

from __future__ import annotations

from collections.abc import Callable

from quire import registry
from quire.documents.models import Document
from quire.ops import diagnosis
from quire.testing.embedder import HashingEmbedder


def results() -> dict[str, diagnosis.Result]:
    return {result.part: result for result in diagnosis.examine()}


def test_a_dead_redis_fails_with_what_to_do_and_the_rest_is_examined_all_the_same(db: None) -> None:
    found = results()
    assert found["redis"].state == "fail"
    assert "quire up" in found["redis"].advice
    working = ["database", "migrations", "storage", "embedder", "vector store", "keyword index"]
    assert {part: found[part].state for part in working} == dict.fromkeys(working, "ok")


def test_every_examination_that_is_not_good_says_what_to_do(db: None) -> None:
    assert [result.part for result in results().values() if result.state != "ok" and not result.advice] == []


def test_settings_that_were_set_are_shown_and_secrets_only_named(db: None) -> None:
    said = [result.said for result in diagnosis.examine() if result.part == "setting"]
    assert "QUIRE_EMBEDDER = hashing" in said


def test_documents_of_another_model_fail_with_the_command_that_helps(take_in: Callable[..., Document]) -> None:
    take_in()
    with registry.using(embedder=HashingEmbedder(dimensions=32)):
        found = results()["vector store"]
    assert found.state == "fail"
    assert "quire reindex" in found.said + found.advice
