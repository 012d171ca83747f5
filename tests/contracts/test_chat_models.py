"""Every chat model keeps the contract."""

from __future__ import annotations

import pytest
from tests.contracts.chat_model_contract import ChatModelContract, ExtractiveContract

from quire.backends.chatmodels.extractive import ExtractiveModel
from quire.core.ports import ChatModel
from quire.testing.chat_model import ScriptedChatModel
from quire.testing.embedder import HashingEmbedder


class TestScriptedChatModel(ChatModelContract):
    @pytest.fixture
    def model(self) -> ChatModel:
        return ScriptedChatModel(["Moon and sun ", "pull together [1]."])


class TestExtractiveModel(ExtractiveContract):
    @pytest.fixture
    def model(self) -> ChatModel:
        return ExtractiveModel(embedder=HashingEmbedder(dimensions=256))


class TestExtractiveModelWithoutAnEmbedder(ExtractiveContract):
    @pytest.fixture
    def model(self) -> ChatModel:
        return ExtractiveModel(embedder=HashingEmbedder(), by_meaning=False)
