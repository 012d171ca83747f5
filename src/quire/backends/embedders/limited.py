"""An embedder that asks before it asks: each batch waits for room in its provider's quota."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quire.core.errors import RateLimited
from quire.core.ports import Embedder, Limiter, WarmsUp
from quire.core.types import Vectors


class LimitedEmbedder:
    """Follows `core.ports.Embedder`; is as `embedder` in all but the wait, one for each `batch_texts` texts."""

    def __init__(self, embedder: Embedder, limiter: Limiter) -> None:
        self._embedder = embedder
        self._limiter = limiter
        self.id = embedder.id
        self.dimensions = embedder.dimensions
        self.tokenizer = embedder.tokenizer
        self.batch_texts = embedder.batch_texts

    def warm_up(self) -> None:
        if isinstance(self._embedder, WarmsUp):
            self._embedder.warm_up()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        starts = range(0, max(1, len(texts)), self.batch_texts)
        return np.concatenate([self._embed_batch(texts[start : start + self.batch_texts]) for start in starts])

    def embed_query(self, text: str) -> Vectors:
        return self._ask([text], lambda: self._embedder.embed_query(text), is_question=True)

    def _embed_batch(self, texts: Sequence[str]) -> Vectors:
        return self._ask(texts, lambda: self._embedder.embed_documents(texts))

    def _ask(self, texts: Sequence[str], embed: Callable[[], Vectors], *, is_question: bool = False) -> Vectors:
        if not texts:
            return embed()
        tokens = sum(len(self.tokenizer.offsets(text)) for text in texts)
        self._limiter.acquire(texts=len(texts), tokens=tokens, is_question=is_question)
        try:
            return embed()
        except RateLimited as error:
            self._limiter.refused(retry_after_s=error.retry_after_s)
            raise
