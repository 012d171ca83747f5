"""Slows down who guesses passwords: failed tries are counted by name and address, and by address alone.

Counted in Redis, so that all web processes know them. Without Redis nothing is counted: a person must be able to sign
in while the queue is down, and a password has ten characters or more.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

WINDOW_S = 15 * 60
"""After the last failure; then all is forgotten."""
MAX_FOR_A_NAME = 10
"""Failures of one name from one address. Not of a name alone: then anybody could lock anybody out."""
MAX_FOR_AN_ADDRESS = 100


def is_shut(*, name: str, address: str) -> bool:
    """Whether this address has failed so often that not even the right password is looked at."""
    limits = dict(_limits(name, address))
    try:
        counts = _redis().mget(list(limits))
    except redis.RedisError as error:
        log.warning("failed sign-ins are not counted: %s", error)
        return False
    return any(int(count or 0) >= limit for count, limit in zip(counts, limits.values(), strict=True))


def note_failure(*, name: str, address: str) -> None:
    """Count one more failure. Never raises."""
    try:
        with _redis().pipeline() as pipe:
            for key, _ in _limits(name, address):
                pipe.incr(key)
                pipe.expire(key, WINDOW_S)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("a failed sign-in was not counted: %s", error)


def forget(*, name: str, address: str) -> None:
    """Somebody has signed in: what this name failed at from this address is no more. Never raises."""
    try:
        _redis().delete(next(_limits(name, address))[0])
    except redis.RedisError as error:
        log.warning("failed sign-ins were not forgotten: %s", error)


def _limits(name: str, address: str) -> Iterator[tuple[str, int]]:
    """The counters' keys, and how far each may go. Names are hashed: some are passwords in the wrong field."""
    for subject, limit in ((f"{name.casefold()}\n{address}", MAX_FOR_A_NAME), (address, MAX_FOR_AN_ADDRESS)):
        yield f"{settings.ENV.redis_prefix}:sign-in:{hashlib.sha256(subject.encode()).hexdigest()}", limit


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.ENV.redis(0), socket_connect_timeout=0.1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
