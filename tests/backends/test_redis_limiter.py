"""What processes that share a quota by Redis may rely on, beyond the contract of every limiter."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from tests.own_redis import OwnRedis

from quire.backends.limiters.redis import RULES, RedisLimiter
from quire.core.errors import RateLimited

CALLER = Path(__file__).parent / "limited_caller.py"
UNKNOWN = {"requests": 0, "texts": 0, "tokens": 0}
AT_ONCE = {"bulk_ahead_s": 600.0, "bulk_wait_s": 0.0, "question_wait_s": 0.0, "smallest_shared": 1e9}
"""Rules under which nobody waits in place, and only the window holds back."""
LimiterOf = Callable[..., RedisLimiter]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with OwnRedis(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def limiter_of(server: OwnRedis) -> LimiterOf:
    """A quota and changed rules → a limiter; all of a test's share one key, as processes do."""
    server.client().flushall()

    def limiter_of(*, rules: dict[str, float] | None = None, **quota: int) -> RedisLimiter:
        return RedisLimiter(
            redis_url=server.url, key="limit", per_minute=UNKNOWN | quota, rules=dict(RULES) | (rules or {})
        )

    return limiter_of


def sent_by_processes(
    server: OwnRedis, *, processes: int, seconds: float, quota: dict[str, int], rules: dict[str, float]
) -> list[float]:
    """The moments of all requests that so many processes sent in so many seconds, in order."""
    server.client().flushall()
    words = [
        server.url,
        "limit",
        json.dumps(UNKNOWN | quota),
        json.dumps(rules),
        str(seconds),
        json.dumps({"texts": 2}),
    ]
    callers = [
        subprocess.Popen([sys.executable, str(CALLER), *words], stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    said = "".join(caller.communicate(timeout=60)[0] for caller in callers)
    return sorted(float(line) for line in said.split())


def turned_away(limiter: RedisLimiter, *, texts: int = 1, is_question: bool = False) -> float:
    """What a caller is told who is turned away: seconds."""
    with pytest.raises(RateLimited) as error:
        limiter.acquire(texts=texts, is_question=is_question)
    return error.value.retry_after_s


def until_turned_away(limiter: RedisLimiter, *, is_question: bool = False) -> int:
    """How many requests go before the first that does not."""
    for count in range(1_000):
        try:
            limiter.acquire(is_question=is_question)
        except RateLimited:
            return count
    raise AssertionError


def let_pass(limiter: RedisLimiter, seconds: float) -> None:
    """Make all that is kept older, since Redis' own clock decides."""
    state, log = "limit:state", "limit:log"
    for field, value in limiter._redis.hgetall(state).items():
        if float(value) > 1e9:  # a moment, not a count
            limiter._redis.hset(state, field, float(value) - seconds)
    for place, entry in enumerate(limiter._redis.lrange(log, 0, -1)):
        moment, rest = entry.decode().split(" ", 1)
        limiter._redis.lset(log, place, f"{float(moment) - seconds:.6f} {rest}")


def factor(limiter: RedisLimiter) -> float:
    """What the 429s have made of the quota."""
    return float(limiter._redis.hget("limit:state", "factor"))


def sent_so_far(limiter: RedisLimiter) -> int:
    """How many requests have been let through in the last window, those with an appointment among them."""
    return int(limiter._redis.llen("limit:log"))


def test_processes_together_never_exceed_the_quota_in_any_window(server: OwnRedis) -> None:
    quota, window_s = {"requests": 60, "texts": 100}, 2
    sent = sent_by_processes(server, processes=4, seconds=5, quota=quota, rules={"window_s": window_s + 0.1})
    in_windows = [sum(start <= at < start + window_s for at in sent) for start in sent]
    assert max(in_windows) <= 50, "two texts each: the texts are used up first"
    assert len(sent) > 50, "the window moved on"


def test_requests_in_the_background_go_evenly(server: OwnRedis) -> None:
    rules = {"window_s": 4.0, "bulk_ahead_s": 0.2, "smallest_shared": 1e9}
    sent = sent_by_processes(server, processes=3, seconds=3, quota={"requests": 100}, rules=rules)
    in_seconds = [sum(start <= at < start + 1 for at in sent) for start in sent]
    assert max(in_seconds) <= 25 + 5 + 3, "a second's part, what may run ahead, and who woke up late"


def test_a_question_goes_while_documents_have_used_all_they_may(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=50, rules={"bulk_ahead_s": 600, "bulk_wait_s": 0.0, "question_wait_s": 0.0})
    assert until_turned_away(limiter) == 49
    limiter.acquire(is_question=True)
    assert turned_away(limiter, is_question=True) > 0


def test_a_question_waits_where_a_document_is_turned_away(limiter_of: LimiterOf) -> None:
    rules = {"window_s": 0.5, "bulk_ahead_s": 600, "question_ahead_s": 600, "bulk_wait_s": 0.0, "smallest_shared": 1e9}
    limiter = limiter_of(requests=5, rules=rules)
    assert until_turned_away(limiter) >= 5
    limiter.acquire(is_question=True)


def test_documents_that_are_turned_away_are_told_to_come_one_after_another(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(texts=1000)
    limiter.acquire(texts=1000)
    told = [turned_away(limiter, texts=100) for _ in range(8)]
    assert told[0] > 50
    assert told[-1] - told[0] > 20
    assert max(told) <= RULES["longest_wait_s"] * 1.25 + 7


def test_appointments_do_not_grow_without_end(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(texts=100)
    limiter.acquire(texts=100)
    told = [turned_away(limiter, texts=100) for _ in range(200)]
    assert max(told) < 5 * 60


def test_waiting_callers_are_served_in_the_order_in_which_they_came(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=20, rules={"window_s": 4.0, "bulk_ahead_s": 0.0})
    served: list[int] = []

    def wait(number: int) -> None:
        limiter.acquire()
        served.append(number)

    limiter.acquire()
    with ThreadPoolExecutor(8) as threads:
        for number in range(8):
            came = threads.submit(wait, number)
            while not came.running() and not came.done():
                pass
            waiting = sent_so_far(limiter)
            while sent_so_far(limiter) < number + 2 and waiting < number + 2:
                pass
    assert served == sorted(served)


def test_a_429_stops_every_process_and_slows_all_down(limiter_of: LimiterOf) -> None:
    one, other = limiter_of(requests=100, rules=AT_ONCE), limiter_of(requests=100, rules=AT_ONCE)
    one.refused(retry_after_s=40)
    assert turned_away(other) > 35
    assert turned_away(other, is_question=True) > 35
    let_pass(one, 40 + 600)
    one._redis.hset("limit:state", "cut_at", time.time())
    assert until_turned_away(other) == 95


def test_after_a_429_documents_begin_evenly_and_do_not_catch_up(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=100, rules=AT_ONCE | {"bulk_ahead_s": 30.0})
    limiter.refused(retry_after_s=40)
    let_pass(limiter, 40)
    assert until_turned_away(limiter) <= 1


def test_many_429s_at_once_teach_once(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=100)
    for _ in range(8):
        limiter.refused(retry_after_s=1)
    assert factor(limiter) == RULES["cut_of_known"]


def test_a_429_right_after_another_cuts_deeper(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=100)
    limiter.refused(retry_after_s=1)
    let_pass(limiter, 7)
    limiter.refused(retry_after_s=1)
    assert factor(limiter) < 0.5


def test_the_pace_comes_back_slowly_after_a_429_and_never_exceeds_the_quota(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=100, rules=AT_ONCE | {"bulk_ahead_s": 20.0})
    limiter.refused(retry_after_s=0)
    let_pass(limiter, 20)
    in_20_s = until_turned_away(limiter)
    assert in_20_s == pytest.approx(100 * min(1, 0.95 * 1.02**2) * 20 / 61, abs=1)
    let_pass(limiter, 4000)
    assert until_turned_away(limiter) == pytest.approx(100 * 20 / 61, abs=1)


def test_where_no_quota_is_known_the_first_429_teaches_it(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(rules=AT_ONCE | {"growth": 1.0})
    for _ in range(200):
        limiter.acquire()
    limiter.refused(retry_after_s=0)
    assert turned_away(limiter) > 0, "200 in a minute were too many"
    let_pass(limiter, 1000)
    assert until_turned_away(limiter) == 186


def test_where_no_quota_is_known_the_pace_stays_below_what_was_refused_before_it_tries_for_more(
    limiter_of: LimiterOf,
) -> None:
    limiter = limiter_of()
    for _ in range(100):
        limiter.acquire()
    limiter.refused(retry_after_s=0)
    paces = []
    for _ in range(9):
        let_pass(limiter, 20)
        with suppress(RateLimited):
            limiter.acquire()
        paces.append(float(limiter._redis.hget("limit:state", "now")))
    assert 0.967 < paces[0] < 0.98
    assert paces[1:6] == [pytest.approx(0.98)] * 5
    assert 0.98 < paces[7] < paces[8]


@pytest.mark.parametrize("quiet_hours", [1, 10, 200])
def test_where_no_quota_is_known_one_429_teaches_it_again_after_hours_of_little_use(
    limiter_of: LimiterOf, quiet_hours: int
) -> None:
    limiter = limiter_of(rules=AT_ONCE)
    for _ in range(100):
        limiter.acquire()
    limiter.refused(retry_after_s=0)
    let_pass(limiter, quiet_hours * 3600)
    for _ in range(120):
        limiter.acquire()
    limiter.refused(retry_after_s=0)
    let_pass(limiter, 60)
    assert until_turned_away(limiter) < 130, "120 in a minute were too many"


def test_who_waits_in_line_while_another_is_refused_does_not_send(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=60, rules={"bulk_ahead_s": 0.0})
    limiter.acquire()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(limiter.acquire)
        while sent_so_far(limiter) < 2:
            pass
        limiter.refused(retry_after_s=60)
        with pytest.raises(RateLimited):
            waiting.result()


def test_a_clock_that_goes_back_stops_nobody(limiter_of: LimiterOf) -> None:
    limiter = limiter_of(requests=100)
    limiter.acquire()
    far = {"latest": 9e9, "sent:requests": 9e9, "asked:requests": 9e9}
    limiter._redis.hset("limit:state", mapping=far)
    limiter.acquire()


def test_without_redis_a_process_keeps_to_its_part_and_shares_again_when_redis_is_back(tmp_path: Path) -> None:
    with OwnRedis(tmp_path) as server:
        limiter = RedisLimiter(redis_url=server.url, key="limit", per_minute=UNKNOWN | {"texts": 600})
        limiter.acquire()
        server.stop()
        limiter.acquire(texts=100)
        assert turned_away(limiter, texts=100) > 8, "a sixth of a minute's texts takes a sixth of a minute"
        limiter.acquire(is_question=True)
        server.start()
        limiter._left_alone_until = 0
        limiter.acquire()
        assert server.client().exists("limit:state")


def test_a_redis_that_was_never_there_stops_no_work_and_is_not_asked_at_each_request(tmp_path: Path) -> None:
    nowhere = RedisLimiter(redis_url=f"unix://{tmp_path}/none.sock", key="limit", per_minute=UNKNOWN)
    for _ in range(5):
        nowhere.acquire()
    nowhere.refused(retry_after_s=30)
    assert turned_away(nowhere) > 20
