"""A chat model that says what a test tells it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quire.core.types import Passage, Turn


class ScriptedChatModel:
    """Streams `pieces`, whatever is asked; nothing when it gets no passages. `asked` keeps what it was asked."""

    id = "scripted"
    is_generative = True

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = tuple(pieces)
        self.asked: list[tuple[str, tuple[Passage, ...], tuple[Turn, ...]]] = []

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        self.asked.append((question, tuple(passages), tuple(history)))
        yield from self._pieces if passages else ()

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        return question
