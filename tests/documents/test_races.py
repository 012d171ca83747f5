"""Two who want what only one may have: whoever comes second is told so, and nobody meets an error of the database's."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from test_concurrency import MANY, Submit, at_once, uploads_of
from test_concurrency import clean as clean

from quire.chat import services as chat
from quire.chat.models import Conversation, Exchange
from quire.core.errors import PermanentError
from quire.documents import ingestion, lifecycle, services
from quire.documents.models import Document
from quire.documents.services import RefusedError, Submission, Upload
from quire.tenants.services import Caller

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def without_conversations(clean: None) -> Iterator[None]:
    yield
    Conversation.objects.all().delete()


def test_of_a_replacement_that_ends_and_an_upload_of_the_same_bytes_one_wins(
    submit: Submit, caller: Caller, tmp_path: Path
) -> None:
    for number in range(6):
        old = submit(f"old {number}")
        ingestion.run(task_id=old.ingestion.task_id)
        content = f"new {number}"
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        upload = uploads_of(content, tmp_path, by=caller)
        new = Upload(path=tmp_path / sha256, name="new.txt", sha256=sha256, bytes=len(content))
        replaced = services.replace(tenant=caller.tenant, document_id=old.document.id, upload=new)
        lease = lifecycle.claim(task_id=replaced.ingestion.task_id, owner="worker")
        assert lease is not None
        completed, uploaded = at_once(lambda: lifecycle.complete(lease), upload)  # noqa: B023
        assert isinstance(uploaded, Submission)
        if completed is None:
            assert uploaded.is_duplicate or uploaded.document.id != old.document.id
        else:
            assert isinstance(completed, PermanentError)
            assert completed.code == "duplicate_content"
        assert Document.objects.living().filter(sha256=sha256).count() == 1


def test_a_reindex_that_waited_for_a_replacement_to_end_is_of_the_new_content(
    submit: Submit, caller: Caller, tmp_path: Path
) -> None:
    document = submit("old").document
    ingestion.run(task_id=document.ingestions.get().task_id)
    path = tmp_path / "new"
    path.write_text("new")
    new = Upload(path=path, name="new.txt", sha256=hashlib.sha256(b"new").hexdigest(), bytes=3)
    replaced = services.replace(tenant=caller.tenant, document_id=document.id, upload=new)
    lease = lifecycle.claim(task_id=replaced.ingestion.task_id, owner="worker")
    assert lease is not None
    is_ending = threading.Event()

    def end() -> None:
        with transaction.atomic():
            lifecycle.complete(lease)
            is_ending.set()
            time.sleep(0.5)  # the other has read the document, and waits for its row

    def reindex() -> str:
        is_ending.wait()
        return services.reindex(tenant=caller.tenant, document_id=document.id).ingestion.sha256

    assert at_once(end, reindex) == [None, new.sha256]


def test_questions_about_one_document_are_all_kept_and_a_delete_among_them_ends_well(
    submit: Submit, caller: Caller
) -> None:
    submission = submit("Nutmeg grows on Banda. Mace is the aril of the same seed.")
    ingestion.run(task_id=submission.ingestion.task_id)
    document_id = submission.document.id

    def ask() -> None:
        for _ in chat.ask(caller=caller, question="Where does nutmeg grow?", document_ids=[document_id]):
            pass

    assert at_once(*[ask] * MANY) == [None] * MANY
    assert (Conversation.objects.count(), Exchange.objects.count()) == (MANY, MANY)
    outcomes = at_once(*[ask] * MANY, lambda: services.delete(tenant=caller.tenant, document_id=document_id))
    assert all(outcome is None or isinstance(outcome, RefusedError) for outcome in outcomes)
    assert outcomes[-1] is None
    assert not Exchange.objects.filter(answer__contains="Banda").exists()


def test_work_that_ends_and_questions_at_once_wait_for_each_other_in_no_circle(submit: Submit, caller: Caller) -> None:
    submission = submit("Nutmeg grows on Banda.")
    ingestion.run(task_id=submission.ingestion.task_id)

    def ask() -> None:
        for _ in chat.ask(caller=caller, question="Where does nutmeg grow?", document_ids=[submission.document.id]):
            pass

    def reindex() -> str:
        again = services.reindex(tenant=caller.tenant, document_id=submission.document.id)
        return ingestion.run(task_id=again.ingestion.task_id).result.value

    for _ in range(3):
        outcomes = at_once(reindex, *[ask] * MANY)
        assert outcomes == ["completed", *[None] * MANY]
