"""The Celery application; its tasks live in `api/tasks.py`, its settings in `settings.py` as `CELERY_…`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quire.settings")

app = Celery("quire")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["quire.api"])

sender = Celery("quire-sender", set_as_current=False)
"""What messages are sent with: a dead Redis must not hold up a 202, since the dispatcher sends again.

So it tries once, and has no result backend: Celery would subscribe to the result of each task sent, for which nobody
here waits, and try for seconds to do so. A Redis that hangs is waited for no longer than is one for events.
"""
sender.config_from_object("django.conf:settings", namespace="CELERY")
sender.conf.result_backend = "disabled://"
sender.conf.task_publish_retry = False
sender.conf.broker_transport_options = {
    **sender.conf.broker_transport_options,
    "max_retries": 0,
    "socket_connect_timeout": 0.1,
    "socket_timeout": 1,
}
