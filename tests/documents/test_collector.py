"""What is left of documents that were deleted, and of runs that nobody sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from tests import storage
from tests.storage import stored_keys, wipe_files
from tests.stores import DatabaseVectorStore

from quire import registry
from quire.core.errors import PermanentError, TransientError
from quire.core.types import VectorRecord
from quire.documents import admission, collector, ingestion, lifecycle, services
from quire.documents.models import Chunk, Document, Ingestion, Page, Tombstone
from quire.documents.services import Submission
from quire.tenants.services import Caller
from quire.testing.extractor import ScriptedExtractor
from quire.testing.vector_store import InMemoryVectorStore

Submit = Callable[..., Submission]
Replace = Callable[..., Submission]


@pytest.fixture(autouse=True, params=storage.KINDS)
def empty_storage(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {"default": storage.of_kind(request.param, folder=tmp_path)}


def run(submission: Submission) -> None:
    ingestion.run(task_id=submission.ingestion.task_id)


def test_nothing_is_left_of_a_deleted_document(submit: Submit, caller: Caller) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    collector.collect()
    rows = [model.objects.count() for model in (Document, Ingestion, Page, Chunk)]
    assert (rows, stored_keys()) == ([0, 0, 0, 0], set())
    assert list(registry.vector_store().ingestion_ids(str(caller.tenant.id))) == []
    assert Tombstone.objects.count() == 1


def test_the_file_of_a_failed_document_stays_for_a_retry_and_goes_with_the_document(
    submit: Submit, caller: Caller, extractor: ScriptedExtractor
) -> None:
    extractor.failures[12] = [PermanentError("Broken.", code="corrupt_file")]
    submission = submit()
    run(submission)
    collector.collect()
    assert (Page.objects.count(), len(stored_keys())) == (0, 1)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    collector.collect()
    assert (Document.objects.count(), stored_keys()) == (0, set())


def test_a_failed_document_uploaded_again_is_tried_with_the_new_file(
    submit: Submit, extractor: ScriptedExtractor
) -> None:
    extractor.failures[1] = [PermanentError("Broken.", code="corrupt_file")]
    failed = submit()
    run(failed)
    collector.collect()
    wipe_files()  # the reason why it failed may be the stored copy
    again = submit()
    assert (again.document.id, again.is_duplicate) == (failed.document.id, False)
    run(again)
    collector.collect()
    assert Document.objects.get().active_ingestion_id == again.ingestion.id
    assert stored_keys() == {again.ingestion.storage_key}


def test_the_old_run_of_a_reindexed_document_goes_and_its_file_stays(submit: Submit, caller: Caller) -> None:
    first = submit()
    run(first)
    again = services.reindex(tenant=caller.tenant, document_id=first.document.id)
    run(again)
    collector.collect()
    assert set(Chunk.objects.values_list("ingestion_id", flat=True)) == {again.ingestion.id}
    assert list(registry.vector_store().ingestion_ids(str(caller.tenant.id))) == [str(again.ingestion.id)]
    assert len(stored_keys()) == 1


def test_what_was_replaced_and_purged_counts_no_more(submit: Submit, replace: Replace, caller: Caller) -> None:
    submission = submit()
    run(submission)
    for number in range(4):
        replacement = replace(submission.document, f"The {number}th edition.")
        run(replacement)
        collector.collect()
    newest = replace(submission.document, "The last edition.")
    assert admission.kept(caller.tenant).bytes == replacement.ingestion.bytes + newest.ingestion.bytes
    assert stored_keys() == {replacement.ingestion.storage_key, newest.ingestion.storage_key}


def test_a_file_that_is_replaced_while_its_failed_run_is_purged_goes_too(
    submit: Submit, replace: Replace, extractor: ScriptedExtractor
) -> None:
    extractor.failures[12] = [PermanentError("Broken.", code="corrupt_file")]
    failed = submit()
    run(failed)
    again: list[Submission] = []

    def replace_meanwhile(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if not again and 'ORDER BY "documents_ingestion"."version" DESC' in sql:  # the file has just been found needed
            again.append(failed)
            again.append(replace(failed.document, "A sound file."))
        return found

    with connection.execute_wrapper(replace_meanwhile):
        collector.collect()
    run(again[-1])
    collector.collect()
    assert stored_keys() == {again[-1].ingestion.storage_key}


def test_what_cannot_be_purged_does_not_hold_up_the_rest(
    submit: Submit, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = submit("one"), submit("two")
    for submission in (stuck, other):
        run(submission)
        services.delete(tenant=caller.tenant, document_id=submission.document.id)

    class Away(DatabaseVectorStore):
        def delete(self, namespace: str, *, ingestion_id: str) -> None:
            if ingestion_id == str(stuck.ingestion.id):
                raise TransientError("The vector store is away.")
            super().delete(namespace, ingestion_id=ingestion_id)

    with registry.using(vector_store=Away()):
        collector.collect()
        assert list(Document.objects.values_list("id", flat=True)) == [stuck.document.id]
    collector.collect()
    assert not Document.objects.exists()


def test_a_collector_that_finds_another_was_quicker_goes_on_without_a_word(
    submit: Submit, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)

    class Slow(DatabaseVectorStore):
        def delete(self, namespace: str, *, ingestion_id: str) -> None:
            with registry.using(vector_store=DatabaseVectorStore()):
                collector.collect()  # the other dispatcher's, meanwhile
            super().delete(namespace, ingestion_id=ingestion_id)

    with registry.using(vector_store=Slow()):
        collector.collect()
    assert not Document.objects.exists()
    assert stored_keys() == set()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_what_a_thawed_worker_writes_after_the_purge_is_removed_later(submit: Submit, caller: Caller) -> None:
    store, namespace = InMemoryVectorStore(), str(caller.tenant.id)
    store.prepare(dimensions=registry.embedder().dimensions)
    with registry.using(vector_store=store):
        submission = submit()
        ingestion.run(task_id=submission.ingestion.task_id)
        services.delete(tenant=caller.tenant, document_id=submission.document.id)
        collector.collect()
        values = registry.embedder().embed_query("late")
        late = {"upload_id": str(submission.document.id), "ingestion_id": str(submission.ingestion.id), "text": "late"}
        store.upsert(namespace, [VectorRecord(id=str(uuid.uuid4()), values=values, metadata=late)])
        collector.collect()
        assert list(store.ingestion_ids(namespace)) == [str(submission.ingestion.id)]  # not yet looked for
        Tombstone.objects.update(purge_at=lifecycle.in_s(-1))
        collector.collect()
        assert list(store.ingestion_ids(namespace)) == []
        assert not Tombstone.objects.exists()
