"""The Celery application; its tasks live in `api/tasks.py`, its settings in `settings.py` as `CELERY_…`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quire.settings")

app = Celery("quire")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["quire.api"])
