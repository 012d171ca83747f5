"""Everything that Quire does with Redis, once, by the settings of this process; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import json
import uuid

import django

if __name__ == "__main__":
    django.setup()

    from celery.contrib.testing.worker import start_worker
    from django.conf import settings

    from quire.api.news import News
    from quire.backends.limiters.redis import RedisLimiter
    from quire.celery import app, sender
    from quire.documents import events
    from quire.ops import health, redis_check
    from quire.tenants import quotas, sign_in_throttle
    from quire.tenants.models import Tenant

    async def hear() -> bool:
        tenant_id = uuid.uuid4()
        async with News(tenant_id) as news:
            await news._message(20)  # the first tells that the subscription is there
            await asyncio.to_thread(events.publish, tenant_id, uuid.uuid4())
            return await news._message(20)

    said = {"doctor": redis_check.look().said, "broker": health.check_broker(), "news": asyncio.run(hear())}
    quotas.count_request(Tenant(id=uuid.uuid4()))
    sign_in_throttle.note_failure(name="ada", address="127.0.0.1")
    unknown = {"requests": 0, "texts": 0, "tokens": 0}
    limiter = RedisLimiter(
        redis_url=settings.ENV.redis(0), key=f"{settings.ENV.redis_prefix}:limit:test", per_minute=unknown
    )
    limiter.acquire()
    limiter.refused(retry_after_s=0)
    task_id = str(uuid.uuid4())
    sender.send_task("quire.api.tasks.test_celery", task_id=task_id)
    sender.send_task("quire.api.tasks.test_celery", task_id=task_id + "-bad", args=["too many"])
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        said["result"] = app.AsyncResult(task_id).get(timeout=30)
        bad = app.AsyncResult(task_id + "-bad")
        bad.get(timeout=30, propagate=False)
        said["bad"] = [bad.status, type(bad.result).__name__]
        said["workers"] = len(app.control.ping(timeout=1))
    print(json.dumps(said))  # noqa: T201 - this is what it is for
