"""Wakes whoever watches a tenant: when Redis says that something changed, and every two seconds all the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from quire.documents import events

LOOK_EVERY_S = 2.0
"""A watcher looks by itself this often: a dead Redis delays news and hides none."""
GATHER_S = 0.1
"""News that comes within so short a time is looked at together."""


class News:
    """A subscription to a tenant's channel. It is there once the block is entered, if Redis is."""

    def __init__(self, tenant_id: UUID) -> None:
        self._channel = events.channel(tenant_id)
        self._redis = Redis.from_url(
            settings.ENV.redis(0),
            socket_connect_timeout=events.CONNECT_TIMEOUT_S,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )
        self._pubsub: PubSub | None = None

    async def __aenter__(self) -> Self:
        await self._subscribe()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._drop()
        await self._redis.aclose()

    async def wait(self) -> None:
        """Return at the next news, or after `LOOK_EVERY_S`."""
        began = asyncio.get_running_loop().time()
        if await self._message(LOOK_EVERY_S):
            await asyncio.sleep(GATHER_S)
            while await self._message(0):
                pass
        elif self._pubsub is None:
            await asyncio.sleep(max(0.0, LOOK_EVERY_S - (asyncio.get_running_loop().time() - began)))
            await self._subscribe()

    async def _message(self, timeout_s: float) -> bool:
        if self._pubsub is None:
            return False
        try:
            message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=timeout_s)
        except (RedisError, OSError):
            await self._drop()
            return False
        return message is not None

    async def _subscribe(self) -> None:
        pubsub = self._redis.pubsub()
        self._pubsub = pubsub
        try:
            await pubsub.subscribe(self._channel)
        except (RedisError, OSError):
            await self._drop()

    async def _drop(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub:
            with suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis ships no type for it
