"""Many at once, each with a connection of its own to the same database file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from clean_slate import let_time_pass, wipe_everything
from django.db import connections
from tests.storage import stored_keys

from quire.documents import collector, ingestion, lifecycle, services
from quire.documents.ingestion import Result
from quire.documents.lease import Lease
from quire.documents.models import Chunk, Document, Event, Ingestion
from quire.documents.services import RefusedError, Submission, Upload
from quire.tenants.services import Caller

Submit = Callable[..., Submission]
T = TypeVar("T")

MANY = 8

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clean(transactional_db: None) -> Iterator[None]:
    wipe_everything()
    yield
    wipe_everything()


def at_once(*calls: Callable[[], T]) -> list[T | Exception]:
    """What the calls return or raise, all begun at the same moment."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | Exception:
        try:
            ready.wait()
            return call()
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def uploads_of(content: str, folder: Path, *, by: Caller) -> Callable[[], Submission]:
    path = folder / hashlib.sha256(content.encode()).hexdigest()
    path.write_text(content)
    upload = Upload(path=path, name="banda.txt", sha256=path.name, bytes=len(content))
    return lambda: services.submit(tenant=by.tenant, user=by.user, upload=upload)


def test_one_of_many_claims_is_granted(submit: Submit) -> None:
    task_id = submit().ingestion.task_id
    leases = at_once(*[lambda: lifecycle.claim(task_id=task_id, owner="worker")] * MANY)
    assert sorted(map(type, leases), key=str) == [*[type(None)] * (MANY - 1), Lease]
    assert Ingestion.objects.get().generation == 1


def test_a_message_delivered_many_times_at_once_is_worked_on_once(submit: Submit) -> None:
    task_id = submit().ingestion.task_id
    results = at_once(*[lambda: ingestion.run(task_id=task_id).result] * MANY)
    assert sorted(results) == sorted([Result.COMPLETED, *[Result.NOTHING_TO_DO] * (MANY - 1)])
    assert Chunk.objects.visible().count() == Ingestion.objects.get().chunks_total


def test_one_of_many_sweepers_takes_a_lease_back(submit: Submit) -> None:
    lifecycle.claim(task_id=submit().ingestion.task_id, owner="worker")
    let_time_pass(31)
    at_once(*[lifecycle.sweep] * MANY)
    assert (Ingestion.objects.get().generation, Ingestion.objects.get().crash_count) == (2, 1)
    assert Event.objects.filter(kind="taken_back").count() == 1


def test_the_same_bytes_uploaded_many_times_at_once_are_one_document(caller: Caller, tmp_path: Path) -> None:
    submissions = at_once(*[uploads_of("Nutmeg.", tmp_path, by=caller)] * MANY)
    assert {type(submission) for submission in submissions} == {Submission}
    assert sum(not submission.is_duplicate for submission in submissions if isinstance(submission, Submission)) == 1
    assert (Document.objects.count(), Ingestion.objects.count()) == (1, 1)
    assert len(stored_keys()) == 1


def test_a_failed_document_uploaded_many_times_at_once_is_tried_again_once(caller: Caller, tmp_path: Path) -> None:
    upload = uploads_of("Nutmeg.", tmp_path, by=caller)
    upload()
    Ingestion.objects.update(status=Ingestion.Status.FAILED)
    Document.objects.update(status="failed")
    submissions = at_once(*[upload] * MANY)
    assert {type(submission) for submission in submissions} == {Submission}
    assert (Document.objects.count(), Ingestion.objects.count()) == (1, 2)


def test_delete_and_upload_of_the_same_bytes_at_once_leave_what_was_asked(caller: Caller, tmp_path: Path) -> None:
    upload = uploads_of("Nutmeg.", tmp_path, by=caller)
    for _ in range(10):
        old = upload().document.id
        _, submission = at_once(lambda: services.delete(tenant=caller.tenant, document_id=old), upload)  # noqa: B023
        assert isinstance(submission, Submission)
        left = set(Document.objects.living().values_list("id", flat=True))
        assert left == ({submission.document.id} - {old})  # the upload met the old one, or came after the delete
        wipe_rest = [services.delete(tenant=caller.tenant, document_id=pk) for pk in left]
        assert wipe_rest == [None] * len(left)


def test_of_many_uploads_at_once_only_as_many_are_taken_as_there_is_room_for(caller: Caller, tmp_path: Path) -> None:
    caller.tenant.max_documents = 2
    outcomes = at_once(*[uploads_of(f"document {number}", tmp_path, by=caller) for number in range(MANY)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["QuotaExceeded"] * (MANY - 2) + ["Submission"] * 2
    assert (Document.objects.count(), len(stored_keys())) == (2, 2)


def test_the_same_bytes_at_once_are_one_document_also_where_there_is_room_for_one(
    caller: Caller, tmp_path: Path
) -> None:
    caller.tenant.max_documents = 1
    outcomes = at_once(*[uploads_of("Nutmeg.", tmp_path, by=caller)] * MANY)
    assert {type(outcome) for outcome in outcomes} == {Submission}


def test_delete_completion_and_collection_at_once_leave_nothing(submit: Submit, caller: Caller) -> None:
    for number in range(6):
        submission = submit(f"document {number}")
        results = at_once(
            lambda: ingestion.run(task_id=submission.ingestion.task_id).result,  # noqa: B023
            lambda: services.delete(tenant=caller.tenant, document_id=submission.document.id),  # noqa: B023
            collector.collect,
            collector.collect,
        )
        assert not [result for result in results if isinstance(result, Exception)]
    while collector.collect():
        pass
    assert not Document.objects.exists()
    assert not Chunk.objects.exists()
    assert not stored_keys()


def test_one_of_many_retries_is_granted(submit: Submit, caller: Caller) -> None:
    submission = submit()
    Ingestion.objects.update(status=Ingestion.Status.FAILED)
    Document.objects.update(status="failed")
    results = at_once(*[lambda: services.retry(tenant=caller.tenant, document_id=submission.document.id)] * MANY)
    assert [type(result) for result in results].count(RefusedError) == MANY - 1
    assert Ingestion.objects.exclude(status="failed").count() == 1
