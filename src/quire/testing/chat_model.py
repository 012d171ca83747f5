"""A chat model that says what a test tells it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quire.core.types import Passage, Turn


class ScriptedChatModel:
    """Streams `pieces`, whatever is asked, and raises those that are errors; nothing when it gets no passages.

    `rewritten` is what it makes of a question that has turns before it; an error is raised, empty leaves it as it is.
    """

    id = "scripted"
    is_generative = True

    def __init__(self, pieces: Sequence[str | Exception], *, rewritten: str | Exception = "") -> None:
        self._pieces = tuple(pieces)
        self._rewritten = rewritten
        self.asked: list[tuple[str, tuple[Passage, ...], tuple[Turn, ...]]] = []
        """What each call of `stream` was asked."""
        self.rewrote: list[tuple[str, tuple[Turn, ...]]] = []
        """What each call of `rewrite` was asked."""
        self.ended = 0
        """Streams that came to their end, failed or were closed."""

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        self.asked.append((question, tuple(passages), tuple(history)))
        try:
            for piece in self._pieces if passages else ():
                yield _said(piece)
        finally:
            self.ended += 1

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        self.rewrote.append((question, tuple(history)))
        return _said(self._rewritten) or question


def _said(piece: str | Exception) -> str:
    if isinstance(piece, Exception):
        raise piece
    return piece
