"""What a tenant may keep, and when the service takes nothing more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from quire.core.errors import RateLimited
from quire.documents import collector, lifecycle, services
from quire.documents.admission import Overloaded
from quire.documents.models import Document, Ingestion
from quire.documents.services import Submission
from quire.tenants.quotas import QuotaExceeded
from quire.tenants.services import Caller

Submit = Callable[..., Submission]


def test_documents_over_the_quota_are_refused_until_one_is_deleted(submit: Submit, caller: Caller) -> None:
    caller.tenant.max_documents = 1
    first = submit("One.")
    with pytest.raises(QuotaExceeded, match="which is all you may keep") as refused:
        submit("Two.")
    assert refused.value.retry_after_s > 0
    services.delete(tenant=caller.tenant, document_id=first.document.id)
    submit("Two.")


def test_bytes_over_the_quota_are_refused_and_come_free_with_the_purge(submit: Submit, caller: Caller) -> None:
    caller.tenant.max_bytes = 10
    first = submit("123456789")
    with pytest.raises(QuotaExceeded, match="10 bytes"):
        submit("ABC")
    services.delete(tenant=caller.tenant, document_id=first.document.id)
    collector.collect()
    submit("ABC")


def test_the_settings_give_the_quota_of_tenants_without_their_own(submit: Submit, settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"max_documents": 1})
    submit("One.")
    with pytest.raises(QuotaExceeded):
        submit("Two.")


def test_the_same_bytes_again_need_no_room(submit: Submit, caller: Caller) -> None:
    caller.tenant.max_documents = 1
    submit("One.")
    assert submit("One.").is_duplicate


def test_a_failed_document_can_be_uploaded_again_where_there_is_no_room_for_another(
    submit: Submit, caller: Caller
) -> None:
    caller.tenant.max_documents = 1
    submission = submit("One.")
    Ingestion.objects.update(status=Ingestion.Status.FAILED)
    Document.objects.update(status="failed")
    assert submit("One.").document == submission.document


def test_one_tenants_quota_is_not_anothers(submit: Submit, caller: Caller, stranger: Caller) -> None:
    caller.tenant.max_documents = 1
    submit("One.")
    submit("Two.", by=stranger)
    assert Document.objects.count() == 2


def test_nothing_is_taken_while_the_oldest_due_work_is_too_old(submit: Submit) -> None:
    submit("One.")
    Ingestion.objects.update(queued_at=F("queued_at") - timedelta(seconds=settings.ENV.max_queue_age_s + 1))
    with pytest.raises(Overloaded, match="try again later"):
        submit("Two.")
    assert Document.objects.count() == 1


def test_work_that_was_told_to_wait_for_long_and_is_due_only_now_is_not_too_old(submit: Submit) -> None:
    told_to_wait = submit("One.").ingestion
    lease = lifecycle.claim(task_id=told_to_wait.task_id, owner="worker")
    assert lease is not None
    lifecycle.put_back(lease, RateLimited("Slower.", retry_after_s=3600, waiting_for="the provider"))
    later = timedelta(seconds=settings.ENV.max_queue_age_s + 1)
    Ingestion.objects.update(queued_at=F("queued_at") - later, next_attempt_at=Now())
    submit("Two.")
    Ingestion.objects.filter(id=told_to_wait.id).update(next_attempt_at=F("next_attempt_at") - later)
    with pytest.raises(Overloaded):
        submit("Three.")


def test_what_was_worked_on_for_long_and_handed_back_has_not_waited_all_that_time(submit: Submit) -> None:
    handed_back, taken_back = submit("One.").ingestion, submit("Two.").ingestion
    leases = [lifecycle.claim(task_id=run.task_id, owner="worker") for run in (handed_back, taken_back)]
    later = timedelta(seconds=settings.ENV.max_queue_age_s + 1)
    Ingestion.objects.update(queued_at=F("queued_at") - later)
    assert leases[0] is not None
    lifecycle.release(leases[0])
    Ingestion.objects.filter(id=taken_back.id).update(lease_expires_at=Now() - later)
    assert lifecycle.sweep() == 1
    submit("Three.")
    Ingestion.objects.update(queued_at=F("queued_at") - later)
    with pytest.raises(Overloaded):
        submit("Four.")
