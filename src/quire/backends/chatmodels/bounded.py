"""A bound for answers that come in pieces: each piece has the call's timeout, and all together a multiple of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from quire.core.errors import TransientError

LONGEST_IN_TIMEOUTS = 5
"""A small model on a machine of one's own takes minutes for an answer that it makes steadily."""


def bounded(pieces: Iterator[str], *, timeout_s: float) -> Iterator[str]:
    """The pieces; raises `TransientError` when the next one begins after the bound."""
    ends_at = time.monotonic() + LONGEST_IN_TIMEOUTS * timeout_s
    for piece in pieces:
        if time.monotonic() > ends_at:
            limit_s = LONGEST_IN_TIMEOUTS * timeout_s
            raise TransientError(f"The answer was not complete after {limit_s:g} s.", code="answer_cut")
        yield piece
