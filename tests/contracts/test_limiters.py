"""Every limiter keeps the contract."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.limiter_contract import LimiterContract, LimiterOf
from tests.own_redis import OwnRedis

from quire.backends.limiters.local import LocalLimiter
from quire.backends.limiters.redis import RedisLimiter


class TestLocalLimiter(LimiterContract):
    @pytest.fixture
    def limiter_of(self) -> LimiterOf:
        return lambda quota: LocalLimiter(per_minute=quota, longest_wait_s=8, waiting_for="provider quota")


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with OwnRedis(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


class TestRedisLimiter(LimiterContract):
    @pytest.fixture
    def limiter_of(self, own_redis: OwnRedis) -> LimiterOf:
        numbers = itertools.count()
        own_redis.client().flushall()
        return lambda quota: RedisLimiter(redis_url=own_redis.url, key=f"limit:{next(numbers)}", per_minute=quota)
