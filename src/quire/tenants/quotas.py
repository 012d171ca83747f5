"""How much one tenant may keep and ask, so that nobody uses up what belongs to all."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from quire.core.errors import QuireError
from quire.tenants.models import Tenant

log = logging.getLogger(__name__)

WINDOW_S = 60
ROOM_RETRY_S = 3600
"""When to try again after a quota of space is used up: only a delete helps, and nobody knows when one comes."""


class QuotaExceeded(QuireError):
    """The tenant has used up what it may; `retry_after_s` says when asking again makes sense."""

    code = "quota_exceeded"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a tenant may keep; None is without end."""

    documents: int | None
    bytes: int | None


def room(tenant: Tenant) -> Room:
    """The tenant's own figures, or those of the settings, where 0 is without end."""
    return Room(
        documents=tenant.max_documents if tenant.max_documents is not None else settings.ENV.max_documents or None,
        bytes=tenant.max_bytes if tenant.max_bytes is not None else settings.ENV.max_bytes or None,
    )


def check_room(tenant: Tenant, *, documents: int, bytes_kept: int, bytes_more: int) -> None:
    """Raise `QuotaExceeded` unless one more document of `bytes_more` fits beside what is kept."""
    limit = room(tenant)
    if limit.documents is not None and documents >= limit.documents:
        message = f"You have {documents:,} documents, which is all you may keep. Delete one you no longer need."
        raise QuotaExceeded(message, retry_after_s=ROOM_RETRY_S)
    if limit.bytes is not None and bytes_kept + bytes_more > limit.bytes:
        message = f"This file does not fit into the {limit.bytes:,} bytes you may keep. Delete what you no longer need."
        raise QuotaExceeded(message, retry_after_s=ROOM_RETRY_S)


def count_request(tenant: Tenant) -> None:
    """Count one request; raise `QuotaExceeded` when there were too many this minute. Without Redis none is refused."""
    limit = settings.ENV.max_requests_per_minute
    if not limit:
        return
    now = time.time()
    key = _key(tenant, now)
    try:
        with _redis().pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, 2 * WINDOW_S)
            count = int(pipe.execute()[0])
    except redis.RedisError as error:
        log.warning("requests are not counted: %s", error)
        return
    if count > limit:
        message = f"You have sent more than {limit:,} requests this minute. Wait for the next."
        raise QuotaExceeded(message, retry_after_s=WINDOW_S - now % WINDOW_S)


def requests_this_minute(tenant: Tenant) -> int | None:
    """How many were counted; None where nobody knows: they are counted only with a limit, and while Redis answers."""
    if not settings.ENV.max_requests_per_minute:
        return None
    try:
        return int(_redis().get(_key(tenant, time.time())) or 0)
    except redis.RedisError as error:
        log.warning("requests are not counted: %s", error)
        return None


def _key(tenant: Tenant, now_s: float) -> str:
    return f"{settings.ENV.redis_prefix}:requests:{tenant.id}:{int(now_s // WINDOW_S)}"


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.ENV.redis(0), socket_connect_timeout=0.1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
