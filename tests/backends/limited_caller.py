"""A process that sends as fast as a limiter lets it: prints the moment of each request, by Redis' clock, and exits.

python limited_caller.py URL KEY QUOTA-AS-JSON RULES-AS-JSON SECONDS COST-AS-JSON
"""

from __future__ import annotations

import json
import sys
import time

import redis

from quire.backends.limiters.redis import RULES, RedisLimiter
from quire.core.errors import RateLimited

if __name__ == "__main__":
    url, key, quota, rules, seconds, cost = sys.argv[1:]
    limiter = RedisLimiter(redis_url=url, key=key, per_minute=json.loads(quota), rules=RULES | json.loads(rules))
    clock = redis.Redis.from_url(url)
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        try:
            limiter.acquire(**json.loads(cost))
        except RateLimited as error:
            time.sleep(min(error.retry_after_s, max(0, until - time.monotonic())))
            continue
        moment, micros = clock.time()
        print(moment + micros / 1e6, flush=True)  # noqa: T201 - this is what it is for
