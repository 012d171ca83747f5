"""Bounds for answers that come in pieces: one for the first, one for each, and one for all together."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from quire.core.errors import QuireError, TransientError

LONGEST_IN_TIMEOUTS = 5
"""A small model on a machine of one's own takes minutes for an answer that it makes steadily."""


T = TypeVar("T")


def bounded(chunks: Iterable[T], *, timeout_s: float) -> Iterator[T]:
    """What a model sends, with or without text in it, so that no trickle of nothing goes on for ever.

    Raises `TransientError` when the next one comes after `LONGEST_IN_TIMEOUTS` times the bound.
    """
    ends_at = time.monotonic() + LONGEST_IN_TIMEOUTS * timeout_s
    for chunk in chunks:
        if time.monotonic() > ends_at:
            limit_s = LONGEST_IN_TIMEOUTS * timeout_s
            raise TransientError(f"The answer was not complete after {limit_s:g} s.", code="answer_cut")
        yield chunk


def begun_within(pieces: Generator[str], *, timeout_s: float, late: QuireError) -> Iterator[str]:
    """The pieces; raises `late` when the first has not come in time.

    A person waits for the first, and there is a stand-in only until it comes; the timeout of a connection cannot be
    another for it than for those after. So it is waited for in a thread, which ends the call once nobody waits.
    """
    first: Future[str | None] = Future()
    threading.Thread(target=_take, args=(pieces, first), name="first-word", daemon=True).start()
    try:
        piece = first.result(timeout_s)
    except TimeoutError:
        first.add_done_callback(lambda _: pieces.close())
        raise late from None
    try:
        if piece is not None:
            yield piece
            yield from pieces
    finally:
        pieces.close()


def _take(pieces: Iterator[str], first: Future[str | None]) -> None:
    try:
        first.set_result(next(pieces, None))
    except BaseException as error:  # noqa: BLE001 - raised again where the first piece is waited for
        first.set_exception(error)
