"""The drawing in `documents/lifecycle.py`, arrow by arrow. Time is moved by shifting the rows' timestamps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F

from quire import registry
from quire.core.errors import LeaseLost, PermanentError, RateLimited, TransientError
from quire.core.types import Vectors
from quire.documents import collector, dispatcher, ingestion, lifecycle, services
from quire.documents.ingestion import Result
from quire.documents.lease import Lease
from quire.documents.models import Chunk, Document, Event, Ingestion, Page, Status
from quire.documents.services import RefusedError, Submission
from quire.tenants.services import Caller
from quire.testing.embedder import HashingEmbedder
from quire.testing.extractor import ScriptedExtractor

Submit = Callable[..., Submission]


class FailingEmbedder(HashingEmbedder):
    """Raises what it is told to, once each."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[BaseException] = []

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if self.failures:
            raise self.failures.pop(0)
        return super().embed_documents(texts)


@pytest.fixture
def embedder(stores: None) -> Iterator[FailingEmbedder]:
    embedder = FailingEmbedder()
    with registry.using(embedder=embedder):
        yield embedder


def row(submission: Submission) -> Ingestion:
    return Ingestion.objects.get(id=submission.ingestion.id)


def document(submission: Submission) -> Document:
    return Document.objects.get(id=submission.document.id)


def claim(submission: Submission, owner: str = "worker") -> Lease:
    lease = lifecycle.claim(task_id=submission.ingestion.task_id, owner=owner)
    assert lease is not None
    return lease


def run(submission: Submission) -> Result:
    return ingestion.run(task_id=submission.ingestion.task_id).result


def let_time_pass(seconds: float) -> None:
    """Make every timestamp that waits for the clock older."""
    earlier = timedelta(seconds=seconds)
    for field in ("next_attempt_at", "lease_expires_at", "dispatched_at"):
        Ingestion.objects.exclude(**{field: None}).update(**{field: F(field) - earlier})


def waits_s(submission: Submission) -> float:
    """Seconds between the last change and the next attempt."""
    put_back = Event.objects.filter(ingestion_id=submission.ingestion.id, kind="put_back").latest("id")
    return float(put_back.data["delay_s"])


def test_a_document_goes_from_queued_to_completed_and_answers(submit: Submit) -> None:
    submission = submit()
    assert run(submission) is Result.COMPLETED
    assert document(submission).status == Status.COMPLETED
    assert document(submission).active_ingestion_id == submission.ingestion.id
    assert Chunk.objects.visible().count() == row(submission).chunks_total > 1


def test_only_one_of_two_claims_is_granted(submit: Submit) -> None:
    submission = submit()
    claim(submission)
    assert lifecycle.claim(task_id=submission.ingestion.task_id, owner="another") is None


def test_a_message_that_comes_twice_does_nothing_the_second_time(submit: Submit) -> None:
    submission = submit()
    run(submission)
    before = list(Event.objects.values_list("id", flat=True))
    assert run(submission) is Result.NOTHING_TO_DO
    assert list(Event.objects.values_list("id", flat=True)) == before


@pytest.mark.parametrize(("attempts", "delay_s"), [(0, 2), (1, 4), (2, 8)])
def test_a_transient_error_is_tried_again_after_2_4_and_8_seconds(
    submit: Submit, attempts: int, delay_s: float
) -> None:
    submission = submit()
    Ingestion.objects.update(attempts=attempts)
    assert lifecycle.put_back(claim(submission), TransientError("The store is away."))
    assert delay_s <= waits_s(submission) <= delay_s * 1.1
    assert lifecycle.claim(task_id=submission.ingestion.task_id, owner="too early") is None
    let_time_pass(delay_s * 1.1)
    claim(submission)


def test_the_fourth_transient_error_fails_the_document(submit: Submit) -> None:
    submission = submit()
    Ingestion.objects.update(attempts=3)
    assert not lifecycle.put_back(claim(submission), TransientError("The store is away.", code="away"))
    assert document(submission).status == Status.FAILED
    assert (row(submission).attempts, row(submission).error_code) == (4, "away")


def test_a_rate_limit_waits_as_long_as_told_and_burns_no_attempt(submit: Submit) -> None:
    submission = submit()
    for _ in range(10):
        let_time_pass(60)
        lifecycle.put_back(claim(submission), RateLimited("Slow down.", retry_after_s=60))
    assert waits_s(submission) == 60
    assert row(submission).attempts == 0
    assert row(submission).waiting_for == "provider quota"


def test_a_permanent_error_fails_at_once_with_its_sentence(submit: Submit, extractor: ScriptedExtractor) -> None:
    extractor.failures[1] = [PermanentError("This PDF needs a password.", code="encrypted")]
    submission = submit()
    assert run(submission) is Result.FAILED
    assert document(submission).status == Status.FAILED
    assert (row(submission).error_code, row(submission).error_message) == ("encrypted", "This PDF needs a password.")


def test_a_bug_is_tried_again_and_shown_as_our_fault(submit: Submit, extractor: ScriptedExtractor) -> None:
    extractor.failures[1] = [KeyError("x")]
    submission = submit()
    assert run(submission) is Result.PUT_BACK
    assert row(submission).error_code == "internal_error"
    let_time_pass(10)
    assert run(submission) is Result.COMPLETED
    assert row(submission).error_code == ""


def test_a_run_goes_on_from_the_last_saved_page(submit: Submit, extractor: ScriptedExtractor) -> None:
    extractor.failures[12] = [TransientError("away")]
    submission = submit()
    assert run(submission) is Result.PUT_BACK
    assert row(submission).pages_done == 8
    let_time_pass(10)
    assert run(submission) is Result.COMPLETED
    assert extractor.read == [*range(1, 12), *range(9, 21)]
    assert Page.objects.count() == 20


def test_a_stale_worker_can_write_nothing(submit: Submit) -> None:
    submission = submit()
    stale = claim(submission, "stopped")
    let_time_pass(31)
    assert lifecycle.sweep() == 1
    current = claim(submission, "next")
    assert not lifecycle.renew(stale)
    for late in (lifecycle.complete, lifecycle.release):
        with pytest.raises(LeaseLost):
            late(stale)
    with pytest.raises(LeaseLost), lifecycle.fenced(stale, pages_done=5):
        raise AssertionError("a stale lease opened a transaction")
    assert row(submission).generation == current.generation


def test_a_lease_that_is_renewed_is_not_swept(submit: Submit) -> None:
    submission = submit()
    lease = claim(submission)
    let_time_pass(25)
    assert lifecycle.renew(lease)
    let_time_pass(25)
    assert lifecycle.sweep() == 0


def test_the_third_crash_without_progress_fails_the_document(submit: Submit) -> None:
    submission = submit()
    for _ in range(3):
        claim(submission)
        let_time_pass(31)
        lifecycle.sweep()
    assert document(submission).status == Status.FAILED
    assert row(submission).error_code == "poison"


def test_crashes_with_progress_between_them_do_not_count(submit: Submit, extractor: ScriptedExtractor) -> None:
    submission = submit()
    for _ in range(2):
        claim(submission)
        let_time_pass(31)
        lifecycle.sweep()
    extractor.failures[12] = [TransientError("away")]
    run(submission)
    assert row(submission).crash_count == 0


def test_crashes_after_the_last_page_count_although_every_run_reads_the_pages_saved_before(
    submit: Submit, embedder: FailingEmbedder
) -> None:
    submission = submit()
    for _ in range(3):
        embedder.failures = [SystemExit("killed")]
        with pytest.raises(SystemExit):
            run(submission)
        let_time_pass(31)
        lifecycle.sweep()
    assert row(submission).error_code == "poison"


def test_a_late_worker_of_a_document_that_is_gone_ends_quietly(submit: Submit, caller: Caller) -> None:
    submission = submit()
    lease = claim(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    collector.collect()
    assert not Document.objects.exists()
    with pytest.raises(LeaseLost):
        lifecycle.put_back(lease, TransientError("away"))


@pytest.mark.parametrize(("told_s", "waited_s"), [(0, 1), (-5, 1), (1e12, 6 * 3600)])
def test_a_rate_limit_of_no_or_endless_time_is_waited_for_within_reason(
    submit: Submit, told_s: float, waited_s: float
) -> None:
    submission = submit()
    lifecycle.put_back(claim(submission), RateLimited("Slow down.", retry_after_s=told_s))
    assert waits_s(submission) == waited_s


def test_work_handed_back_is_free_at_once_and_unmarked(submit: Submit) -> None:
    submission = submit()
    lifecycle.release(claim(submission))
    assert (row(submission).attempts, row(submission).crash_count) == (0, 0)
    claim(submission)


def test_delete_wins_over_work_in_flight(submit: Submit, caller: Caller) -> None:
    submission = submit()
    lease = claim(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    with pytest.raises(LeaseLost):
        lifecycle.complete(lease)
    assert document(submission).status == Status.DELETING
    with pytest.raises(RefusedError, match="no such document"):
        services.get(tenant=caller.tenant, document_id=submission.document.id)


def test_a_failed_document_is_retried_as_a_new_ingestion(
    submit: Submit, caller: Caller, extractor: ScriptedExtractor
) -> None:
    extractor.failures[1] = [PermanentError("Broken.", code="corrupt_file")]
    failed = submit()
    run(failed)
    again = services.retry(tenant=caller.tenant, document_id=failed.document.id)
    assert again.ingestion.task_id != failed.ingestion.task_id
    assert document(failed).status == Status.PROCESSING
    assert run(again) is Result.COMPLETED
    with pytest.raises(RefusedError, match="failed"):
        services.retry(tenant=caller.tenant, document_id=failed.document.id)


def test_a_reindexed_document_answers_from_its_old_content_until_the_new_is_complete(
    submit: Submit, caller: Caller, extractor: ScriptedExtractor
) -> None:
    first = submit()
    run(first)
    again = services.reindex(tenant=caller.tenant, document_id=first.document.id)
    extractor.failures[12] = [TransientError("away")]
    run(again)
    visible = set(Chunk.objects.visible().values_list("ingestion_id", flat=True))
    assert visible == {first.ingestion.id}
    let_time_pass(10)
    run(again)
    assert set(Chunk.objects.visible().values_list("ingestion_id", flat=True)) == {again.ingestion.id}


def test_dispatch_sends_what_is_due_and_not_what_waits(submit: Submit) -> None:
    submission = submit()
    Ingestion.objects.update(dispatched_at=None)
    lifecycle.put_back(claim(submission), TransientError("away"))
    dispatcher.dispatch()
    assert row(submission).dispatched_at is None


def test_document_without_text_fails_with_a_sentence(submit: Submit, extractor: ScriptedExtractor) -> None:
    extractor.texts = ["", "  \n "]
    extractor.page_count = 2
    submission = submit()
    assert run(submission) is Result.FAILED
    assert row(submission).error_code == "no_text"


@pytest.mark.django_db(transaction=True)
def test_a_run_goes_on_while_others_write(stores: None, submit: Submit, extractor: ScriptedExtractor) -> None:
    """A read left open over a write would fail as soon as another process had written in between."""
    extractor.texts = extractor.texts * 4
    extractor.page_count = len(extractor.texts)
    submission, stop = submit(), threading.Event()

    def write_without_pause() -> None:
        while not stop.wait(0.001):
            Event.objects.create(tenant=submission.document.tenant, document_id=submission.document.id, kind="noise")
        connections.close_all()

    other = threading.Thread(target=write_without_pause)
    other.start()
    try:
        assert run(submission) is Result.COMPLETED
    finally:
        stop.set()
        other.join()
