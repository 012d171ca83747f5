"""An embedder without a model: texts that share words get vectors that are near."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from quire.core.ports import Tokenizer
from quire.core.types import Vectors

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")


class WordTokenizer:
    """A token is a word, or one character that is neither word nor space."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _TOKEN.finditer(text)]


class HashingEmbedder:
    """A hashed bag of words: each word, case left out, adds or takes 1 at a place that its hash decides.

    The same in every process. Has no limit of length. A text without words gets the first axis.
    """

    batch_texts = 32
    text_tokens: int | None = None
    request_tokens: int | None = None
    tokenizer: Tokenizer

    def __init__(self, *, dimensions: int = 64) -> None:
        self.id = f"hashing-{dimensions}"
        self.dimensions = dimensions
        self.tokenizer = WordTokenizer()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = self.embed_query(text)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        vector = np.zeros(self.dimensions, np.float32)
        for word in _WORD.findall(text.casefold()):
            place, sign = self._place(word)
            vector[place] += sign
        length = float(np.linalg.norm(vector))
        if length == 0:
            vector[0] = length = 1.0
        return vector / np.float32(length)

    def _place(self, word: str) -> tuple[int, int]:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = int.from_bytes(digest, "big")
        return (number >> 1) % self.dimensions, 1 if number & 1 else -1
