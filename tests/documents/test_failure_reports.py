"""A document that fails for good is told of once, whoever ended it, and without a word of what was in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sentry_sdk
from django.db.models import F
from django.test import Client
from real_redis import RealRedis

from quire import registry
from quire.api import tasks
from quire.core.errors import TransientError
from quire.documents import lifecycle
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.ops import error_reports
from quire.tenants import services as tenants
from quire.tenants.services import Caller
from quire.testing.extractor import ScriptedExtractor
from quire.testing.sentry_server import SentryServer, serving

Submit = Callable[..., Submission]
SECRET = "the merger is on Friday"
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own call


@pytest.fixture
def sentry() -> Iterator[SentryServer]:
    """A server that this process reports to for the time of the test."""
    with serving() as server:
        error_reports.start(dsn=server.dsn, environment="test")
        yield server
        sentry_sdk.get_client().close(timeout=2)
        sentry_sdk.get_global_scope().set_client(None)


def attempt(submission: Submission) -> None:
    """One attempt at a document as a worker makes it, the wait before it over."""
    Ingestion.objects.update(next_attempt_at=None)
    task_id = str(submission.ingestion.task_id)
    tasks.process_document.apply(task_id=task_id, args=["key", "1", str(submission.document.id)])


def said(sentry: SentryServer) -> bytes:
    sentry_sdk.flush(timeout=5)
    return b"".join(sentry.bodies)


def test_four_attempts_that_meet_a_bug_are_one_event_that_shows_where(
    submit: Submit, extractor: ScriptedExtractor, broker: RealRedis, sentry: SentryServer
) -> None:
    extractor.failures[1] = [ZeroDivisionError(SECRET) for _ in range(4)]
    submission = submit()
    for _ in range(4):
        attempt(submission)
    (event,) = sentry.wait_for(1)
    assert SECRET.encode() not in said(sentry)
    assert sentry.deliveries == [event["event_id"]]
    assert event["tags"] | {"stage": ""} == {
        "celery_task_id": str(submission.ingestion.task_id),
        "document_id": str(submission.document.id),
        "task_id": str(submission.ingestion.task_id),
        "tenant_id": str(submission.document.tenant_id),
        "error_code": "internal_error",
        "error_class": "TransientError",
        "kind": "upload",
        "stage": "",
        "media_type": "text/plain",
        "attempts": "4",
    }
    raised = event["exception"]["values"][-1]
    assert (raised["type"], raised["value"]) == ("ZeroDivisionError", "")
    assert any(frame["function"] == "pages" for frame in raised["stacktrace"]["frames"])


def test_an_attempt_that_is_tried_again_is_no_event(
    submit: Submit, extractor: ScriptedExtractor, broker: RealRedis, sentry: SentryServer
) -> None:
    extractor.failures[1] = [TransientError("Away."), OSError(5, SECRET)]
    submission = submit()
    for _ in range(3):
        attempt(submission)
    submission.document.refresh_from_db()
    assert submission.document.status == "completed"
    said(sentry)
    assert not sentry.deliveries


def test_a_document_that_no_worker_was_there_to_end_is_reported_by_the_dispatcher_once(
    submit: Submit, sentry: SentryServer
) -> None:
    submission = submit()
    for _ in range(lifecycle.MAX_CRASHES):
        assert lifecycle.claim(task_id=submission.ingestion.task_id, owner="dies")
        Ingestion.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
        lifecycle.sweep()
    assert error_reports.report_missed() == 0  # its worker, if one lives, has the first word
    Ingestion.objects.update(finished_at=F("finished_at") - timedelta(minutes=1))
    assert [error_reports.report_missed() for _ in range(2)] == [1, 0]
    (event,) = sentry.wait_for(1)
    assert event["tags"]["error_code"] == "poison"
    assert event["tags"]["document_id"] == str(submission.document.id)


def test_failures_of_before_yesterday_are_not_told_of_when_reporting_begins(
    submit: Submit, sentry: SentryServer
) -> None:
    submit()
    Ingestion.objects.update(status=Ingestion.Status.FAILED, finished_at=F("created_at") - timedelta(days=2))
    assert error_reports.report_missed() == 0


def test_a_report_that_is_made_twice_has_the_same_id(
    submit: Submit, extractor: ScriptedExtractor, broker: RealRedis, sentry: SentryServer
) -> None:
    extractor.failures[1] = [TransientError("Away.") for _ in range(4)]
    submission = submit()
    for _ in range(4):
        attempt(submission)
    Ingestion.objects.update(reported_at=None)  # as if the worker had died before it noted it
    error_reports.report(task_id=submission.ingestion.task_id)
    said(sentry)
    assert len(sentry.deliveries) == 2
    assert len(sentry.events) == 1


def test_a_bug_in_the_web_is_an_event_without_the_question_the_key_or_the_address(
    caller: Caller, sentry: SentryServer
) -> None:
    key = tenants.create_key(tenant=caller.tenant, user=caller.user, name="test")[1]
    client = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)

    class Broken:
        def embed_query(self, text: str) -> Any:
            raise ZeroDivisionError(text)

    with registry.using(embedder=Broken()):
        client.post(f"/api/search/?q={SECRET}", {"query": SECRET}, content_type="application/json")
    (event,) = sentry.wait_for(1)
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    whole = said(sentry)
    assert not [word for word in (SECRET, SECRET.replace(" ", "%20"), key) if word.encode() in whole]
