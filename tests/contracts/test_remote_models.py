"""What speaks to a provider keeps the contracts too, against servers that keep to the providers' published APIs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.backends.model_servers import (
    gemini_embedder,
    gemini_model,
    gemini_server,
    like,
    openai_embedder,
    openai_model,
    openai_server,
)
from tests.contracts.chat_model_contract import GenerativeContract
from tests.contracts.embedder_contract import EmbedderContract

from quire.backends.embedders.gemini import GeminiEmbedder
from quire.backends.embedders.openai import OpenAIEmbedder
from quire.core.ports import ChatModel
from quire.testing.gemini_server import GeminiServer
from quire.testing.model_server import serving
from quire.testing.openai_server import BARE, OLLAMA, VLLM, Manners, OpenAIServer

__all__ = ["gemini_server", "openai_server"]


class TestGeminiEmbedder(EmbedderContract):
    @pytest.fixture(params=[768, 3072])
    def embedder(self, gemini_server: GeminiServer, request: pytest.FixtureRequest) -> GeminiEmbedder:
        return gemini_embedder(gemini_server, dimensions=request.param)


class TestOpenAIEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self, openai_server: OpenAIServer) -> OpenAIEmbedder:
        return openai_embedder(openai_server)


@pytest.mark.parametrize("manners", [OLLAMA, VLLM, BARE], ids=["like Ollama", "like vLLM", "without index"])
class TestEmbedderOfAServerOfOnesOwn(EmbedderContract):
    @pytest.fixture
    def embedder(self, manners: Manners) -> Iterator[OpenAIEmbedder]:
        (model, dimensions), *_ = manners.models.items()
        with serving(like(manners)) as server:
            yield openai_embedder(server, api_key="", model=model, dimensions=dimensions)


class TestGeminiModel(GenerativeContract):
    @pytest.fixture
    def model(self, gemini_server: GeminiServer) -> ChatModel:
        return gemini_model(gemini_server)

    @pytest.fixture
    def told(self, gemini_server: GeminiServer) -> Callable[[], list[str]]:
        def told() -> list[str]:
            body = gemini_server.calls[-1].body
            return [content["parts"][0]["text"] for content in (body["systemInstruction"], *body["contents"])]

        return told


class TestOpenAIModel(GenerativeContract):
    @pytest.fixture
    def model(self, openai_server: OpenAIServer) -> ChatModel:
        return openai_model(openai_server)

    @pytest.fixture
    def told(self, openai_server: OpenAIServer) -> Callable[[], list[str]]:
        return lambda: [message["content"] for message in openai_server.calls[-1].body["messages"]]
