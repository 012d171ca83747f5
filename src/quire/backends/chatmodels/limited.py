"""A chat model that asks before it asks: each question waits for room in its provider's quota."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from quire.core.errors import RateLimited
from quire.core.ports import ChatModel, Limiter
from quire.core.types import Passage, Turn

CHARACTERS_PER_TOKEN = 4
"""Of English, about: the quota is the provider's, and its own count decides."""


class LimitedModel:
    """Follows `core.ports.ChatModel`; is as `model` in all but the wait."""

    def __init__(self, model: ChatModel, limiter: Limiter) -> None:
        self._model = model
        self._limiter = limiter
        self.id = model.id
        self.is_generative = model.is_generative

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        with self._within_quota(question, *(passage.text for passage in passages), *_said(history)):
            yield from self._model.stream(question=question, passages=passages, history=history)

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        with self._within_quota(question, *_said(history)):
            return self._model.rewrite(question=question, history=history)

    @contextmanager
    def _within_quota(self, *texts: str) -> Iterator[None]:
        self._limiter.acquire(tokens=sum(map(len, texts)) // CHARACTERS_PER_TOKEN, is_question=True)
        try:
            yield
        except RateLimited as error:
            self._limiter.refused(retry_after_s=error.retry_after_s)
            raise


def _said(history: Sequence[Turn]) -> list[str]:
    return [turn.question + turn.answer for turn in history]
