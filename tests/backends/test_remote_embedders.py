"""Embedders at a provider: what they send, what they keep to, what they make of what comes back."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.backends.model_servers import gemini_embedder, gemini_server, like, openai_embedder, openai_server

from quire.backends.embedders.approximate_tokens import ApproximateTokenizer, count, cut
from quire.backends.embedders.limited import LimitedEmbedder
from quire.backends.embedders.remote import Limits, embed
from quire.core.errors import PermanentError, TransientError
from quire.core.ports import Embedder
from quire.testing.gemini_server import GeminiServer
from quire.testing.model_server import serving
from quire.testing.openai_server import OLLAMA, OpenAIServer

__all__ = ["gemini_server", "openai_server"]

SCRIPTS = {
    "English": "The moon pulls at the sea and the sea follows it. ",
    "one word": "a",
    "German": "Übergrößenträger für Öltankschiffe. ",
    "Russian": "Достопримечательности ",
    "Chinese": "月亮牵引着大海",
    "digits": "31415926535 ",
    "emoji": "🧑‍🚀🚀",
    "Thai": "ดวงจันทร์ดึงดูดทะเล",
}


def sizes(server: GeminiServer) -> list[int]:
    return [len(call.body["requests"]) for call in server.calls]


def test_gemini_gets_a_hundred_texts_at_a_time(gemini_server: GeminiServer) -> None:
    vectors = gemini_embedder(gemini_server).embed_documents([f"text {number}" for number in range(250)])
    assert sizes(gemini_server) == [100, 100, 50]
    assert vectors.shape == (250, 768)


def test_a_request_to_gemini_keeps_to_its_tokens_too(gemini_server: GeminiServer) -> None:
    gemini_embedder(gemini_server).embed_documents(["word " * 1000] * 70)
    assert sizes(gemini_server) == [30, 30, 10]


class CountingLimiter:
    """Lets all through, and notes texts and tokens of each request."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, int]] = []

    def acquire(self, *, texts: int = 1, tokens: int = 0, is_question: bool = False) -> None:
        self.requests.append((texts, tokens))

    def refused(self, *, retry_after_s: float) -> None:
        raise AssertionError("nothing is refused here")


def test_the_quota_counts_each_request_that_texts_go_in(gemini_server: GeminiServer) -> None:
    limiter = CountingLimiter()
    embedder = LimitedEmbedder(gemini_embedder(gemini_server), limiter)
    found = embedder.embed_documents(["word " * 1000] * 70 + ["word " * 5000] + ["word"] * 150)
    assert limiter.requests == [(30, 30_000), (30, 30_000), (100, 12_000 + 89), (61, 61)]
    assert [texts for texts, _ in limiter.requests] == sizes(gemini_server)
    assert found.shape == (221, 768)


def test_gemini_is_told_what_a_text_is_embedded_for_and_how_long_its_vector_shall_be(
    gemini_server: GeminiServer,
) -> None:
    embedder = gemini_embedder(gemini_server, dimensions=1536)
    embedder.embed_documents(["A document."])
    embedder.embed_query("A question?")
    told = [call.body["requests"][0] for call in gemini_server.calls]
    assert [each["taskType"] for each in told] == ["RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY"]
    assert [each["outputDimensionality"] for each in told] == [1536, 1536]


def test_openai_gets_a_length_of_vectors_only_where_the_model_takes_one(openai_server: OpenAIServer) -> None:
    assert openai_embedder(openai_server, dimensions=256).embed_query("moon").shape == (256,)
    other = openai_embedder(openai_server, model="text-embedding-ada-002", dimensions=1536)
    assert other.embed_query("moon").shape == (1536,)
    assert [call.body.get("dimensions") for call in openai_server.calls] == [256, None]


def test_openai_is_asked_for_floats_which_every_server_knows(openai_server: OpenAIServer) -> None:
    openai_embedder(openai_server).embed_query("moon")
    assert openai_server.calls[0].body["encoding_format"] == "float"


def test_vectors_of_another_length_fail_with_the_setting_that_is_right() -> None:
    with serving(like(OLLAMA)) as server, pytest.raises(PermanentError) as caught:
        openai_embedder(server, model="nomic-embed-text", dimensions=1536).embed_query("moon")
    assert caught.value.code == "wrong_dimensions"
    assert "QUIRE_EMBEDDING_DIMENSIONS to 768" in caught.value.message


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_text_over_the_limit_is_cut_to_what_gemini_takes(
    gemini_server: GeminiServer, script: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = SCRIPTS[script] * (40_000 // len(SCRIPTS[script]))
    with caplog.at_level(logging.WARNING, logger="quire"):
        gemini_embedder(gemini_server).embed_documents([text])
    sent = gemini_server.calls[0].body["requests"][0]["content"]["parts"][0]["text"]
    assert text.startswith(sent)
    assert len(sent) < len(text)
    assert "over the limit" in caplog.text
    assert len(caplog.text) < 500  # how long it is, not what it says


def test_blank_texts_are_not_sent(gemini_server: GeminiServer) -> None:
    embedder = gemini_embedder(gemini_server)
    assert embedder.embed_documents(["", " \n"]).shape == (2, 768)
    embedder.embed_documents(["", "moon", "\t"])
    assert sizes(gemini_server) == [1]


def test_one_embedder_serves_many_threads(gemini_server: GeminiServer) -> None:
    embedder = gemini_embedder(gemini_server)
    texts = [f"moon {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = np.vstack(list(pool.map(embedder.embed_query, texts)))
    np.testing.assert_allclose((found * embedder.embed_documents(texts)).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("make", [gemini_embedder, openai_embedder])
def test_a_child_that_was_forked_after_the_first_call_has_a_connection_of_its_own(
    gemini_server: GeminiServer, openai_server: OpenAIServer, make: Callable[..., Embedder]
) -> None:
    server = gemini_server if make is gemini_embedder else openai_server
    embedder = make(server)
    expected = embedder.embed_query("moon")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if np.array_equal(embedder.embed_query("moon"), expected) else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert np.array_equal(embedder.embed_query("moon"), expected)
    before, in_child, after = (call.client_port for call in server.calls)
    assert before == after != in_child


def test_fewer_vectors_than_texts_are_an_error_and_no_guess() -> None:
    limits = Limits(texts=10, text_tokens=100, request_tokens=1000)
    with pytest.raises(TransientError, match="1 vectors for 2 texts"):
        embed(["a", "b"], model="m", dimensions=2, limits=limits, ask=lambda texts: [[1.0, 0.0]])


@pytest.mark.parametrize("vector", [[0.0, 0.0], [float("nan"), 1.0]])
def test_a_vector_without_a_direction_is_an_error(vector: list[float]) -> None:
    limits = Limits(texts=10, text_tokens=100, request_tokens=1000)
    with pytest.raises(TransientError, match="without a direction"):
        embed(["a"], model="m", dimensions=2, limits=limits, ask=lambda texts: [vector])


def test_the_id_of_an_embedder_tells_model_and_dimensions(
    gemini_server: GeminiServer, openai_server: OpenAIServer
) -> None:
    ids = {
        gemini_embedder(gemini_server, dimensions=768).id,
        gemini_embedder(gemini_server, dimensions=1536).id,
        openai_embedder(openai_server, dimensions=768).id,
        openai_embedder(openai_server, model="text-embedding-3-large", dimensions=768).id,
    }
    assert len(ids) == 4
    assert all("768" in each or "1536" in each for each in ids)


def test_a_token_is_short_in_every_script() -> None:
    tokenizer = ApproximateTokenizer()
    pieces = {
        text: [text[a:b] for a, b in tokenizer.offsets(text)]
        for text in ["unbelievable moons", "1234", "月亮", "Луна", "e.g.", "🚀"]
    }
    assert pieces == {
        "unbelievable moons": ["unbeli", "evable", "moons"],
        "1234": ["12", "34"],
        "月亮": ["月", "亮"],
        "Луна": ["Лун", "а"],
        "e.g.": ["e", ".", "g", "."],
        "🚀": ["🚀"],
    }


def test_a_cut_text_has_as_many_tokens_as_were_asked_for_and_a_shorter_one_stays() -> None:
    assert count(cut("one two three four", tokens=3)) == 3
    assert cut("one two", tokens=3) == "one two"
