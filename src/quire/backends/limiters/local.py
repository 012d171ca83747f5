"""One process's part of a quota, for as long as the part that all share cannot be asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final

from quire.core.errors import RateLimited

CALLERS: Final = 8
"""How many processes share a quota, as long as nobody has counted them."""
WINDOW_S: Final = 61.0


class LocalLimiter:
    """Follows `core.ports.Limiter`: an even pace of the quota divided by `callers`, without running ahead of it.

    Questions go at once and documents wait for them: a person is not kept waiting since Redis is down.
    """

    def __init__(self, *, per_minute: Mapping[str, float], longest_wait_s: float, waiting_for: str) -> None:
        self.callers = CALLERS
        self._per_minute = dict(per_minute)
        self._longest_wait_s = longest_wait_s
        self._waiting_for = waiting_for
        self._free_at = self._blocked_until = 0.0
        self._lock = threading.Lock()

    def acquire(self, *, texts: int = 1, tokens: int = 0, is_question: bool = False) -> None:
        cost = {"requests": 1, "texts": texts, "tokens": tokens}
        step_s = max(self._seconds(what, many) for what, many in cost.items())
        with self._lock:
            now = time.monotonic()
            at = max(now, self._blocked_until, 0 if is_question else self._free_at)
            if at - now > self._longest_wait_s:
                message = f"The {self._waiting_for} is used up for now."
                raise RateLimited(message, retry_after_s=at - now, waiting_for=self._waiting_for)
            self._free_at = max(at, self._free_at) + step_s
        time.sleep(at - now)

    def refused(self, *, retry_after_s: float) -> None:
        with self._lock:
            self._blocked_until = max(self._blocked_until, time.monotonic() + retry_after_s)

    def _seconds(self, what: str, many: int) -> float:
        """How long this process's part of the quota takes to allow so many."""
        quota = self._per_minute[what]
        return many * WINDOW_S * self.callers / quota if quota else 0
