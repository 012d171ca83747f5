"""Servers that stand in for providers of models, and what speaks to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quire.backends.chatmodels.gemini import GeminiModel
from quire.backends.chatmodels.openai import OpenAIModel
from quire.backends.embedders.gemini import GeminiEmbedder
from quire.backends.embedders.openai import OpenAIEmbedder
from quire.testing.gemini_server import GeminiServer
from quire.testing.model_server import serving
from quire.testing.openai_server import OPENAI, Manners, OpenAIServer

TIMEOUT_S = 10.0


@pytest.fixture
def gemini_server() -> Iterator[GeminiServer]:
    with serving(GeminiServer()) as server:
        yield server


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    with serving(OpenAIServer()) as server:
        yield server


def gemini_embedder(server: GeminiServer, **options: object) -> GeminiEmbedder:
    return GeminiEmbedder(**_account(server.api_key, server.url) | options)  # type: ignore[arg-type]


def openai_embedder(server: OpenAIServer, **options: object) -> OpenAIEmbedder:
    return OpenAIEmbedder(**_account(server.api_key, server.base_url) | options)  # type: ignore[arg-type]


def gemini_model(server: GeminiServer, **options: object) -> GeminiModel:
    return GeminiModel(**_account(server.api_key, server.url) | options)  # type: ignore[arg-type]


def openai_model(server: OpenAIServer, **options: object) -> OpenAIModel:
    return OpenAIModel(**_account(server.api_key, server.base_url) | options)  # type: ignore[arg-type]


def like(manners: Manners = OPENAI) -> OpenAIServer:
    return OpenAIServer(manners=manners)


def _account(api_key: str, base_url: str) -> dict[str, object]:
    return {"api_key": api_key, "base_url": base_url, "timeout_s": TIMEOUT_S}
