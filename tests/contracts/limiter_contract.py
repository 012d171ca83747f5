"""What every limiter promises. A test class for a backend inherits it and gives the `limiter_of` fixture."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quire.core.errors import RateLimited
from quire.core.ports import Limiter

UNKNOWN = {"requests": 0, "texts": 0, "tokens": 0}
LimiterOf = Callable[[dict[str, int]], Limiter]
"""A quota → a limiter that has let nothing through yet."""


def acquire_often(limiter: Limiter, *, texts: int, tokens: int = 0) -> None:
    for _ in range(4):
        limiter.acquire(texts=texts, tokens=tokens)


class LimiterContract:
    def test_without_a_known_quota_everything_goes(self, limiter_of: LimiterOf) -> None:
        limiter = limiter_of(UNKNOWN)
        for _ in range(50):
            limiter.acquire(texts=100, tokens=20_000)

    @pytest.mark.parametrize("what", ["requests", "texts", "tokens"])
    def test_what_the_quota_does_not_hold_is_told_when_to_come_back(self, limiter_of: LimiterOf, what: str) -> None:
        limiter = limiter_of(UNKNOWN | {what: 3})
        with pytest.raises(RateLimited) as turned_away:
            acquire_often(limiter, texts=1, tokens=1)
        assert turned_away.value.retry_after_s > 0
        assert turned_away.value.waiting_for == "provider quota"

    def test_who_is_turned_away_takes_nothing(self, limiter_of: LimiterOf) -> None:
        limiter = limiter_of(UNKNOWN | {"requests": 600, "texts": 120})
        with pytest.raises(RateLimited):
            acquire_often(limiter, texts=100)
        for _ in range(10):
            with pytest.raises(RateLimited):
                limiter.acquire(texts=100)
        limiter.acquire(texts=1, is_question=True)

    def test_one_request_larger_than_the_quota_still_goes(self, limiter_of: LimiterOf) -> None:
        limiter_of(UNKNOWN | {"texts": 10}).acquire(texts=100)

    def test_nobody_sends_until_a_provider_that_refused_may_be_asked_again(self, limiter_of: LimiterOf) -> None:
        limiter = limiter_of(UNKNOWN)
        limiter.acquire()
        limiter.refused(retry_after_s=90)
        for is_question in (False, True):
            with pytest.raises(RateLimited) as turned_away:
                limiter.acquire(is_question=is_question)
            assert 60 < turned_away.value.retry_after_s < 150

    def test_a_shorter_refusal_does_not_end_a_longer_one(self, limiter_of: LimiterOf) -> None:
        limiter = limiter_of(UNKNOWN)
        limiter.refused(retry_after_s=90)
        limiter.refused(retry_after_s=0)
        with pytest.raises(RateLimited):
            limiter.acquire()
