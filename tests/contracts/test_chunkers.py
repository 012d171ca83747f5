"""Every chunker keeps its contract."""

from __future__ import annotations

import re

import pytest
from tests.contracts.chunker_contract import ChunkerContract

from quire.backends.chunkers.sentences import SentenceChunker
from quire.core.ports import Chunker, Tokenizer


class WordTokenizer:
    """A token is a word, a mark or a Chinese character; a word of over 100 letters is one unknown token."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]", text)]


class TestSentenceChunker(ChunkerContract):
    @pytest.fixture
    def tokenizer(self) -> Tokenizer:
        return WordTokenizer()

    @pytest.fixture
    def chunker(self, tokenizer: Tokenizer) -> Chunker:
        return SentenceChunker(tokenizer=tokenizer)
