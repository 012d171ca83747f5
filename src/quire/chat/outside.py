"""A language model as a question meets it: no database connection is held while it thinks, what it says can be kept,
and it fails in our own words only."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from quire.core.errors import QuireError
from quire.core.ports import ChatModel
from quire.core.types import Passage, Turn
from quire.documents.connections import release_connections

log = logging.getLogger(__name__)

MAX_REWRITTEN_CHARS = 1_000


class OutsideModel:
    """Follows `core.ports.ChatModel`. What is no `QuireError` is a bug: logged whole, and told by its id."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.id = model.id
        self.is_generative = model.is_generative

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        pieces = self._model.stream(question=question, passages=passages, history=history)
        try:
            with self._in_our_words():
                while (piece := _next(pieces)) is not None:
                    yield _storable(piece)
        finally:
            if isinstance(pieces, Generator):
                pieces.close()

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        release_connections()
        with self._in_our_words():
            return _storable(self._model.rewrite(question=question, history=history))

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except QuireError as error:
            log.warning("The chat model %s failed: %s: %s", self.id, error.code, error.message)
            raise
        except Exception as error:
            error_id = uuid.uuid4().hex[:8]
            log.exception("The chat model %s met a bug, error id %s", self.id, error_id)
            message = f"Something went wrong on our side (error {error_id})."
            raise QuireError(message, code="internal_error") from error


class StandIn:
    """Follows `core.ports.ChatModel`: `model`, asked the question that stands alone, since it knows no turns before."""

    def __init__(self, model: ChatModel, *, question: str) -> None:
        self._model = model
        self._question = question
        self.id = model.id
        self.is_generative = model.is_generative

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        return self._model.stream(question=self._question, passages=passages)

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        return self._question


def standing_alone(model: ChatModel, *, question: str, history: Sequence[Turn]) -> str:
    """`question` as it can be searched for; as it is where there is nothing to refer to, or the model fails at it."""
    if not history or not model.is_generative:
        return question
    try:
        written = " ".join(model.rewrite(question=question, history=history).split())
    except QuireError:
        return question
    return written if 0 < len(written) <= MAX_REWRITTEN_CHARS else question


def _next(pieces: Iterator[str]) -> str | None:
    release_connections()
    return next(pieces, None)


def _storable(text: str) -> str:
    """Without half characters, which no database keeps, and without what steers a terminal."""
    return _CONTROLS.sub("", text).encode("utf-8", "replace").decode()


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
