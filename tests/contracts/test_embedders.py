"""Every embedder keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contracts.embedder_contract import EmbedderContract

from quire.backends.embedders.minilm import MiniLMEmbedder
from quire.backends.embedders.minilm_build import prepare
from quire.testing.embedder import HashingEmbedder

CACHED_MODEL = Path(__file__).parents[2] / ".cache/models/minilm"


class TestHashingEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> HashingEmbedder:
        return HashingEmbedder(dimensions=64)


@pytest.fixture(scope="module")
def minilm() -> MiniLMEmbedder:
    return MiniLMEmbedder(model_dir=prepare(target=CACHED_MODEL))


class TestMiniLMEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm: MiniLMEmbedder) -> MiniLMEmbedder:
        return minilm
