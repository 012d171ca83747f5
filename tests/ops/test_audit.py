"""The audit sees what one part has and another lacks, mends what is safe, and leaves alone what is young."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from tests import storage

from quire import registry
from quire.core.types import VectorRecord
from quire.documents import ingestion, services
from quire.documents.audit import audit
from quire.documents.models import Document, Ingestion
from quire.tenants.services import Caller

TakeIn = Callable[..., Document]
HOURS_AGO = timedelta(hours=2)


@pytest.fixture(autouse=True, params=storage.KINDS)
def storage_of_its_own(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    """What other tests left in the shared one is none of these tests' affair."""
    settings.STORAGES = settings.STORAGES | {"default": storage.of_kind(request.param, folder=tmp_path)}


@pytest.fixture
def settled(take_in: TakeIn) -> Document:
    """A document that has been completed for hours."""
    document = take_in()
    Ingestion.objects.filter(document=document).update(finished_at=timezone.now() - HOURS_AGO)
    return document


def active(document: Document) -> Ingestion:
    assert document.active_ingestion
    return document.active_ingestion


def kinds(*, repair: bool = False) -> list[str]:
    return [finding.kind for finding in audit(repair=repair)]


def store_old_file(key: str) -> str:
    key = default_storage.save(key, ContentFile(b"lost"))
    storage.make_older(key, seconds=HOURS_AGO.total_seconds())
    return key


def upsert_vector(caller: Caller, ingestion_id: uuid.UUID) -> None:
    vector = np.zeros(registry.embedder().dimensions, np.float32)
    vector[0] = 1
    metadata = {
        "page": 1,
        "source": "x",
        "text": "x",
        "upload_id": str(uuid.uuid4()),
        "ingestion_id": str(ingestion_id),
    }
    record = VectorRecord(id=str(uuid.uuid4()), values=vector, metadata=metadata)
    registry.vector_store().upsert(str(caller.tenant.id), [record])


def test_what_agrees_gives_no_finding(settled: Document) -> None:
    assert kinds() == []


def test_a_lost_file_is_named_and_cannot_be_mended(settled: Document) -> None:
    default_storage.delete(active(settled).storage_key)
    (finding,) = audit(repair=True)
    assert (finding.kind, finding.subject, finding.is_repaired) == ("file_missing", str(settled.id), False)


def test_lost_vectors_are_made_anew(settled: Document, caller: Caller) -> None:
    registry.vector_store().delete(str(caller.tenant.id), ingestion_id=str(active(settled).id))
    assert kinds() == ["vectors_missing"]
    assert [finding.is_repaired for finding in audit(repair=True)] == [True]
    ingestion.run(task_id=services.newest(settled).task_id)
    assert kinds() == []


def test_lost_keywords_are_made_anew(settled: Document, caller: Caller) -> None:
    registry.keyword_index().delete(str(caller.tenant.id), ingestion_id=str(active(settled).id))
    assert kinds(repair=True) == ["keywords_missing"]
    assert services.newest(settled).kind == Ingestion.Kind.REINDEX


def test_a_document_completed_just_now_is_left_alone(take_in: TakeIn, caller: Caller) -> None:
    document = take_in()
    registry.vector_store().delete(str(caller.tenant.id), ingestion_id=str(active(document).id))
    assert kinds() == []


def test_an_old_file_of_no_document_is_deleted(settled: Document) -> None:
    key = store_old_file("tenant/unowned")
    assert [(finding.kind, finding.subject) for finding in audit()] == [("file_unowned", key)]
    assert kinds(repair=True) == ["file_unowned"]
    assert not default_storage.exists(key)


def test_a_young_file_of_no_document_is_an_upload_under_way(settled: Document) -> None:
    default_storage.save("tenant/young", ContentFile(b"just now"))
    assert kinds() == []


def test_without_repair_nothing_is_changed(settled: Document, caller: Caller) -> None:
    key = store_old_file("tenant/unowned")
    upsert_vector(caller, uuid.uuid4())
    assert kinds() == ["file_unowned", "vectors_unowned"] == kinds()
    assert default_storage.exists(key)


def test_vectors_of_no_run_are_deleted(settled: Document, caller: Caller) -> None:
    unknown = uuid.uuid4()
    upsert_vector(caller, unknown)
    (finding,) = audit(repair=True)
    assert (finding.kind, finding.subject, finding.is_repaired) == ("vectors_unowned", str(unknown), True)
    assert kinds() == []


def test_vectors_of_a_run_that_was_purged_are_deleted(settled: Document, caller: Caller) -> None:
    old = Ingestion.objects.create(
        tenant=caller.tenant,
        document=settled,
        version=2,
        storage_key=active(settled).storage_key,
        sha256="0" * 64,
        bytes=1,
        media_type="text/plain",
        status=Ingestion.Status.SUPERSEDED,
        finished_at=timezone.now() - HOURS_AGO,
        purged_at=timezone.now() - HOURS_AGO,
    )
    upsert_vector(caller, old.id)
    assert kinds(repair=True) == ["vectors_unowned"]
    assert kinds() == []


def test_vectors_of_a_run_under_way_are_left_alone(settled: Document, caller: Caller) -> None:
    submission = services.reindex(tenant=caller.tenant, document_id=settled.id)
    upsert_vector(caller, submission.ingestion.id)
    assert kinds() == []
