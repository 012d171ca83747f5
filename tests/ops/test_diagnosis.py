"""The doctor examines each part; what fails says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests import parts

from quire import registry
from quire.backends.chatmodels.gemini import GeminiModel
from quire.backends.embedders.gemini import GeminiEmbedder
from quire.documents.models import Document
from quire.ops import diagnosis
from quire.testing import oidc_server
from quire.testing.embedder import HashingEmbedder
from quire.testing.gemini_server import GeminiServer
from quire.testing.model_server import serving


def results() -> dict[str, diagnosis.Result]:
    return {result.part: result for result in diagnosis.examine()}


def test_a_dead_redis_fails_with_what_to_do_and_the_rest_is_examined_all_the_same(db: None) -> None:
    found = results()
    assert found["redis"].state == "fail"
    assert "quire up" in found["redis"].advice
    working = ["migrations", "storage", "embedder", "vector store", "keyword index"]
    assert {part: found[part].state for part in working} == dict.fromkeys(working, "ok")
    assert found["database"].state == ("warn" if parts.IS_POSTGRES else "ok")  # the tests' server writes carelessly


def test_every_examination_that_is_not_good_says_what_to_do(db: None) -> None:
    assert [result.part for result in results().values() if result.state != "ok" and not result.advice] == []


def test_settings_that_were_set_are_shown_and_secrets_only_named(db: None) -> None:
    said = [result.said for result in diagnosis.examine() if result.part == "setting"]
    assert "QUIRE_EMBEDDER = hashing" in said


def test_a_language_model_that_answers_is_seen_to_answer(db: None) -> None:
    with serving(GeminiServer()) as server, registry.using(chat_model=_gemini(server, server.api_key)):
        found = results()["chat model"]
    assert (found.state, found.said) == ("ok", "gemini-3.5-flash-lite answers")


def test_a_language_model_that_refuses_the_key_fails_with_the_setting_that_holds_it(db: None) -> None:
    with serving(GeminiServer()) as server, registry.using(chat_model=_gemini(server, "another")):
        found = results()["chat model"]
    assert found.state == "fail"
    assert "GEMINI_API_KEY" in found.said


def test_an_embedder_whose_provider_is_away_fails_with_its_name(db: None) -> None:
    with serving(GeminiServer()) as server:
        url = server.url
    with registry.using(embedder=GeminiEmbedder(api_key="key", base_url=url, timeout_s=5)):
        found = results()["embedder"]
    assert found.state == "fail"
    assert "Gemini could not be reached" in found.said


def test_a_provider_of_single_sign_on_is_asked_and_one_that_is_away_fails(db: None, settings: Any) -> None:
    with oidc_server.serving() as server:
        settings.ENV = settings.ENV.model_copy(update=server.settings())
        assert "which answers" in results()["sign-in"].said
    settings.ENV = settings.ENV.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
    found = results()["sign-in"]
    assert found.state == "fail"
    assert "QUIRE_OIDC_ISSUER" in found.advice


def _gemini(server: GeminiServer, api_key: str) -> GeminiModel:
    return GeminiModel(api_key=api_key, base_url=server.url, timeout_s=10)


def test_documents_of_another_model_fail_with_the_command_that_helps(take_in: Callable[..., Document]) -> None:
    take_in()
    with registry.using(embedder=HashingEmbedder(dimensions=32)):
        found = results()["vector store"]
    assert found.state == "fail"
    assert "quire reindex" in found.said + found.advice
