"""The Celery application; its tasks live in `api/tasks.py`, its settings in `settings.py` as `CELERY_…`."""

from __future__ import annotations

import os

from celery import Celery
from celery.backends.redis import RedisBackend


class ResultBackend(RedisBackend):  # type: ignore[misc]  # Celery ships no types
    """Results in Redis, of which the sender wants no news: listening for them before each send would raise
    "The Celery application must be restarted" while Redis is away, and nobody in Quire waits for a result."""

    def on_task_call(self, producer: object, task_id: str) -> dict[str, object]:
        return {}


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quire.settings")

app = Celery("quire")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["quire.api"])

sender = Celery("quire-sender", set_as_current=False)
"""What messages are sent with: a dead Redis must not hold up a 202, since the dispatcher sends again.

So it tries once, and has no result backend: Celery would subscribe to the result of each task sent, for which nobody
here waits, and try for seconds to do so.
"""
sender.config_from_object("django.conf:settings", namespace="CELERY")
sender.conf.result_backend = "disabled://"
sender.conf.task_publish_retry = False
sender.conf.broker_transport_options = {**sender.conf.broker_transport_options, "max_retries": 0}
