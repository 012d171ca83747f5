"""One quota for all processes, kept in Redis: each request is given its moment, or is told when to come back.

Every decision is one call of a script, which runs alone, by Redis' own clock, over requests, texts and tokens at once.
A short wait is made in place, in the order of arrival; a long one is left to who queues the work. What was let through
in any window stays within the quota, and goes evenly, so that a minute that begins elsewhere finds no more either.

Questions wait longer than documents, and a share of the quota is theirs alone. After a 429 nobody sends until the
provider said, then all begin evenly, more slowly than before, and speed up while no further 429 comes.

Without Redis each process goes on with its share of the quota: what is counted wrongly for a while is the provider's to
refuse, but no document and no question waits for Redis.
"""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from quire.backends.limiters.local import LocalLimiter
from quire.core.errors import RateLimited

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 1.0
"""For one call of Redis."""
LEFT_ALONE_S: Final = 2.0
"""After a call that failed, so that a Redis that hangs does not hold up each request."""
SPREAD: Final = 0.25
"""Of a long wait: those who are told the same do not come together."""
RULES: Final[Mapping[str, float]] = {
    # Longer than the minute that the provider counts by, since requests take more or less time to reach it.
    "window_s": 61,
    # Of the quota, for questions alone: with the window it leaves 96 % for documents. Too little to share is not.
    "kept_share": 0.02,
    "smallest_shared": 20,
    # How far a caller may run ahead of an even pace, to make up for moments in which nobody asked.
    "bulk_ahead_s": 3,
    "question_ahead_s": 15,
    # The longest wait in place, and the latest appointment of who is turned away.
    "bulk_wait_s": 8,
    "question_wait_s": 20,
    "longest_wait_s": 120,
    # What a 429 teaches: it cuts the pace, less where the quota is known and one call came too early perhaps, deeper
    # when another 429 came just before; and the pace grows by 2 % in 10 s. Where no quota is known it stays just below
    # what was refused for a while before it tries for more: each try costs a call, and the wait that it is answered by.
    "cut": 0.93,
    "held_below": 0.98,
    "held_s": 120,
    "cut_of_known": 0.95,
    "deep_cut": 0.5,
    "least_factor": 0.01,
    "growth": 1.02,
    "growth_s": 10,
    "together_s": 5,
    "least_learned": 10,
    # Hours of little use grow the pace far beyond what was learned: then a 429 teaches as the first one did.
    "learn_anew_above": 2,
    # How long a process counts as one of those that share the quota, and an idle quota's state is kept.
    "caller_s": 120,
    "keep_s": 3600,
}
LONGEST_BLOCK_S: Final = 3600
"""Whatever a 429 says: a figure that is a mistake must not stop all work for good."""

_FOLDER = Path(__file__).parent
_ACQUIRE, _REFUSED = ((_FOLDER / name).read_text() for name in ("acquire.lua", "refused.lua"))


class RedisLimiter:
    """Follows `core.ports.Limiter`. Threads and forked processes may share one.

    `per_minute` holds the quota in `requests`, `texts` and `tokens`; 0 is one that is not known: where none is, the
    first 429 teaches it. `key` begins the names of all that is kept in Redis.
    """

    def __init__(
        self,
        *,
        redis_url: str,
        key: str,
        per_minute: Mapping[str, float],
        waiting_for: str = "provider quota",
        rules: Mapping[str, float] = RULES,
    ) -> None:
        self._redis = redis.Redis.from_url(
            redis_url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._keys = [f"{key}:{part}" for part in ("state", "log", "callers")]
        self._acquire, self._refused = map(self._redis.register_script, (_ACQUIRE, _REFUSED))
        self._common: dict[str, Any] = {"per_minute": dict(per_minute), "rules": dict(rules)}
        self._rules = rules
        self._waiting_for = waiting_for
        self._local = LocalLimiter(per_minute=per_minute, longest_wait_s=rules["bulk_wait_s"], waiting_for=waiting_for)
        self._left_alone_until = 0.0

    def acquire(self, *, texts: int = 1, tokens: int = 0, is_question: bool = False) -> None:
        cost = {"requests": 1, "texts": texts, "tokens": tokens}
        caller = f"{socket.gethostname()}:{os.getpid()}"
        answer = self._call(self._acquire, self._keys, cost=cost, caller=caller, is_question=is_question)
        if answer is None:
            self._local.acquire(texts=texts, tokens=tokens, is_question=is_question)
            return
        is_granted, wait_s = bool(answer[0]), float(answer[1])
        self._local.callers = int(answer[2])
        if not is_granted:
            raise self._limited(wait_s * random.uniform(1, 1 + SPREAD))  # noqa: S311 - spreads load, guards nothing
        if wait_s > 0:
            time.sleep(wait_s)
            self._check_block()

    def refused(self, *, retry_after_s: float) -> None:
        retry_after_s = min(max(retry_after_s, 0), LONGEST_BLOCK_S)
        self._local.refused(retry_after_s=retry_after_s)
        self._call(self._refused, self._keys[:2], retry_after_s=retry_after_s)

    def _check_block(self) -> None:
        """Another's request may have been refused while this one waited: then it would be too."""
        if self._is_left_alone():
            return
        try:
            seconds, micros = self._redis.time()
            blocked_until = self._redis.hget(self._keys[0], "blocked_until")
        except redis.RedisError as error:
            self._leave_alone(error)
            return
        left_s = float(blocked_until or 0) - (seconds + micros / 1e6)
        if left_s > 0:
            raise self._limited(left_s * random.uniform(1, 1 + SPREAD))  # noqa: S311 - the same

    def _call(self, script: Any, keys: list[str], **call: object) -> list[Any] | None:
        """What the script answers; None when Redis cannot be asked now."""
        if self._is_left_alone():
            return None
        try:
            return script(keys=keys, args=[json.dumps(self._common | call)]) or []
        except redis.RedisError as error:
            self._leave_alone(error)
            return None

    def _is_left_alone(self) -> bool:
        return time.monotonic() < self._left_alone_until

    def _leave_alone(self, error: redis.RedisError) -> None:
        self._left_alone_until = time.monotonic() + LEFT_ALONE_S
        log.warning("the quota is not shared for now, this process keeps to its part of it: %s", error)

    def _limited(self, retry_after_s: float) -> RateLimited:
        message = f"The {self._waiting_for} is used up for now."
        return RateLimited(message, retry_after_s=retry_after_s, waiting_for=self._waiting_for)
