"""Reports to Sentry: one event for each document that fails for good, and what nobody foresaw.

Nothing of a document leaves, nor of a question: an exception tells its class and where it was raised, but not what it
says, which may quote either. No request bodies, cookies, headers, local variables or breadcrumbs.

A failed run is reported by the worker that ended it, with the stack; by a dispatcher when that worker died first, or
when no worker was there to end it. Its event's id is made of the run's, and Sentry keeps one event an id.
"""

from __future__ import annotations

import logging
import sys
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.db.models.functions import Now

from quire import __version__
from quire.core.errors import PermanentError
from quire.documents import lifecycle, retry_classes
from quire.documents.models import Ingestion

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

FLUSH_S = 2
"""What a worker waits at most until its report has left: it may be replaced after this very task."""
MISSED_AFTER_S = 30
FORGOTTEN_AFTER_S = 24 * 3600
"""Older failures are history: whoever sets SENTRY_DSN today is not told of last year's."""
REPORT_EVERY_S = 10
BATCH = 20
_KEPT_OF_REQUEST = {"method"}


def start(*, dsn: str, environment: str) -> None:
    """Report from now on, to `dsn`."""
    import sentry_sdk  # here: it takes a quarter of a second, and most run without
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.django import DjangoIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

    # Each attempt at a document would be an event of its own; its end is one, made here.
    ignore_logger(retry_classes.__name__)
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"quire@{__version__}",
        integrations=[
            DjangoIntegration(),
            CeleryIntegration(),
            LoggingIntegration(level=None, event_level=logging.ERROR),
        ],
        auto_enabling_integrations=False,  # those of models and stores know prompts and passages
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=_without_content,
    )


def report(*, task_id: uuid.UUID, error: BaseException | None = None) -> None:
    """Report that this run has failed for good, if it has and nobody has yet. Safe to call twice."""
    if not _has_started():
        return
    import sentry_sdk

    ingestion = Ingestion.objects.filter(task_id=task_id, status=Ingestion.Status.FAILED, reported_at=None).first()
    if ingestion is None:
        return
    sentry_sdk.capture_event(*_failure(ingestion, error))
    sentry_sdk.flush(timeout=FLUSH_S)
    Ingestion.objects.filter(id=ingestion.id).update(reported_at=Now())


def report_missed() -> int:
    """Report what failed without a worker that could. Returns how many; run by each dispatcher now and then."""
    if not _has_started():
        return 0
    failed = Ingestion.objects.filter(status=Ingestion.Status.FAILED, reported_at=None)
    missed = failed.filter(
        finished_at__lt=lifecycle.in_s(-MISSED_AFTER_S), finished_at__gt=Now() - timedelta(seconds=FORGOTTEN_AFTER_S)
    )
    task_ids = list(missed.order_by(F("finished_at")).values_list("task_id", flat=True)[:BATCH])
    for task_id in task_ids:
        report(task_id=task_id)
    return len(task_ids)


def _has_started() -> bool:
    return "sentry_sdk" in sys.modules and bool(sys.modules["sentry_sdk"].is_initialized())


def _failure(ingestion: Ingestion, error: BaseException | None) -> tuple[Event, Hint]:
    """The event of a failed run: ids and error class; with the stack where the exception is at hand."""
    event: Event = {}
    hint: Hint = {}
    cause = (error.__cause__ or error) if error else None
    if cause is not None:
        import sentry_sdk
        from sentry_sdk.utils import event_from_exception

        event, hint = event_from_exception(cause, client_options=sentry_sdk.get_client().options)
    event["event_id"] = uuid.uuid5(ingestion.id, "failed").hex
    event["level"] = "warning" if isinstance(error, PermanentError) else "error"
    event["message"] = f"A document failed: {ingestion.error_code}"
    event["fingerprint"] = ["document failed", ingestion.error_code]
    event["tags"] = {
        "document_id": str(ingestion.document_id),
        "task_id": str(ingestion.task_id),
        "tenant_id": str(ingestion.tenant_id),
        "error_code": ingestion.error_code,
        "error_class": type(error).__name__ if error else "",
        "kind": ingestion.kind,
        "stage": ingestion.stage,
        "media_type": ingestion.media_type,
        "attempts": str(ingestion.attempts),
    }
    return event, hint


def _without_content(event: Event, hint: Hint) -> Event:
    """Take out of an event whatever may hold a document's text, a question, a key or a sign-in link."""
    for exception in (event.get("exception") or {}).get("values", []):
        exception["value"] = ""
    request: dict[str, Any] = event.get("request") or {}
    event["request"] = {name: value for name, value in request.items() if name in _KEPT_OF_REQUEST}
    if logged := event.get("logentry"):
        event["logentry"] = {"message": logged["message"]}  # the sentence as it stands in the code, unfilled
    for part in ("breadcrumbs", "user", "extra"):
        event.pop(part, None)  # type: ignore[misc]
    return event
