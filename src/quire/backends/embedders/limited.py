"""An embedder that asks before it asks: each batch waits for room in its provider's quota."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from quire.core.errors import RateLimited
from quire.core.ports import Embedder, Limiter, WarmsUp
from quire.core.types import Vectors


class LimitedEmbedder:
    """Follows `core.ports.Embedder`; is as `embedder` in all but the wait, one for each request that it sends."""

    def __init__(self, embedder: Embedder, limiter: Limiter) -> None:
        self._embedder = embedder
        self._limiter = limiter
        self.id = embedder.id
        self.dimensions = embedder.dimensions
        self.tokenizer = embedder.tokenizer
        self.batch_texts = embedder.batch_texts
        self.text_tokens = embedder.text_tokens
        self.request_tokens = embedder.request_tokens

    def warm_up(self) -> None:
        if isinstance(self._embedder, WarmsUp):
            self._embedder.warm_up()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return self._embedder.embed_documents(texts)
        return np.concatenate([self._embed_request(some, tokens) for some, tokens in self._requests(texts)])

    def embed_query(self, text: str) -> Vectors:
        return self._ask(1, self._tokens(text), lambda: self._embedder.embed_query(text), is_question=True)

    def _requests(self, texts: Sequence[str]) -> Iterator[tuple[list[str], int]]:
        """The texts of each request, and their tokens: a provider counts what it is sent."""
        some: list[str] = []
        tokens = 0
        for text in texts:
            more = self._tokens(text)
            is_full = self.request_tokens is not None and tokens + more > self.request_tokens
            if some and (is_full or len(some) == self.batch_texts):
                yield some, tokens
                some, tokens = [], 0
            some.append(text)
            tokens += more
        yield some, tokens

    def _tokens(self, text: str) -> int:
        tokens = len(self.tokenizer.offsets(text))
        return tokens if self.text_tokens is None else min(tokens, self.text_tokens)

    def _embed_request(self, texts: list[str], tokens: int) -> Vectors:
        return self._ask(len(texts), tokens, lambda: self._embedder.embed_documents(texts))

    def _ask(self, texts: int, tokens: int, embed: Callable[[], Vectors], *, is_question: bool = False) -> Vectors:
        self._limiter.acquire(texts=texts, tokens=tokens, is_question=is_question)
        try:
            return embed()
        except RateLimited as error:
            self._limiter.refused(retry_after_s=error.retry_after_s)
            raise
