"""Removes what nobody can see any more: runs that were replaced, given up or deleted, and their files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from quire import registry
from quire.core.errors import QuireError
from quire.documents import files, lifecycle
from quire.documents.models import Chunk, Document, Event, Ingestion, Page, Status, Tombstone

log = logging.getLogger(__name__)

BATCH = 50
ROWS_AT_ONCE = 500
"""Rows deleted in one transaction: short enough that no heartbeat waits for it."""

_Row = TypeVar("_Row", Ingestion, Document, Tombstone)


def collect() -> int:
    """Purge a batch of finished runs and deleted documents. Returns how many of both. Safe to run many times over."""
    purged = sum(_try(_purge, ingestion) for ingestion in _unneeded().order_by("?")[:BATCH])
    removed = sum(_try(_remove, document) for document in _emptied().order_by("?")[:BATCH])
    late = Tombstone.objects.filter(purge_at__lt=Now()).order_by("?")
    return purged + removed + sum(_try(_purge_again, tombstone) for tombstone in late[:BATCH])


def _try(purge: Callable[[_Row], int], row: _Row) -> int:
    """In no order, and on past an error: what cannot be purged now must not hold up the rest."""
    try:
        return purge(row)
    except QuireError as error:  # an outside store that is busy, or away
        log.warning("%s is purged later: %s", row, error.message)
        return 0
    except Exception:
        log.exception("%s is purged later", row)
        return 0


def _unneeded() -> QuerySet[Ingestion]:
    """Finished runs whose chunks are not those of their document, and all those of deleted documents."""
    over = Ingestion.objects.filter(
        purged_at=None, status__in=[Ingestion.Status.COMPLETED, Ingestion.Status.FAILED, Ingestion.Status.SUPERSEDED]
    )
    inactive = over.exclude(id=F("document__active_ingestion")) | over.filter(document__active_ingestion=None)
    return inactive | over.filter(document__status=Status.DELETING)


def _emptied() -> QuerySet[Document]:
    """Deleted documents whose runs are all purged."""
    unpurged = Ingestion.objects.filter(document=OuterRef("pk"), purged_at=None)
    emptied: QuerySet[Document] = Document.objects.filter(~Exists(unpurged), status=Status.DELETING)
    return emptied


def _purge(ingestion: Ingestion) -> int:
    """Delete a run's vectors, keywords, chunks and pages, see that they are gone, and note it."""
    is_gone = _forget(ingestion.tenant_id, ingestion.id)
    for model in (Chunk, Page):
        while ids := model.objects.filter(ingestion=ingestion).values_list("pk", flat=True)[:ROWS_AT_ONCE]:
            model.objects.filter(pk__in=list(ids)).delete()
    if not is_gone:
        return 0
    was_needed = _is_file_needed(ingestion)
    if not was_needed:
        files.remove(ingestion.storage_key)
    with transaction.atomic():
        Document.objects.select_for_update().filter(id=ingestion.document_id).first()
        if was_needed and not _is_file_needed(ingestion):
            return 0  # another run has come meanwhile, over another file
        Tombstone.objects.update_or_create(
            ingestion_id=ingestion.id,
            defaults={
                "tenant_id": ingestion.tenant_id,
                "document_id": ingestion.document_id,
                "storage_key": ingestion.storage_key,
                "purge_at": lifecycle.in_s(files.LOOK_AGAIN_AFTER_S),
            },
        )
        return Ingestion.objects.filter(id=ingestion.id, purged_at=None).update(purged_at=Now())


def _purge_again(tombstone: Tombstone) -> int:
    """Remove what a worker that was stopped for long may have written after the purge."""
    if not _forget(tombstone.tenant_id, tombstone.ingestion_id):
        return 0
    files.remove_unowned(tombstone.storage_key)
    tombstone.delete()
    return 1


def _forget(tenant_id: UUID, ingestion_id: UUID) -> bool:
    """Delete a run's vectors and keywords; whether they are seen to be gone."""
    namespace, run = str(tenant_id), str(ingestion_id)
    parts = (registry.vector_store(), registry.keyword_index())
    for part in parts:
        part.delete(namespace, ingestion_id=run)
    is_gone = not any(part.count(namespace, ingestion_id=run) for part in parts)
    if not is_gone:
        log.info("vectors or keywords of ingestion %s are not gone yet", run)
    return is_gone


def _is_file_needed(ingestion: Ingestion) -> bool:
    """Whether the run that answers, or the newest, of a living document has this file too."""
    document = Document.objects.select_related("active_ingestion").filter(id=ingestion.document_id).first()
    if document is None:  # another dispatcher was quicker, and has deleted its files with it: not ours to touch
        return True
    if document.status == Status.DELETING:
        return False
    needed = {document.ingestions.order_by("-version")[0].storage_key}
    if document.active_ingestion:
        needed.add(document.active_ingestion.storage_key)
    return ingestion.storage_key in needed


def _remove(document: Document) -> int:
    """Forget a deleted document whose runs are all purged; their tombstones remember what to look for once more."""
    if document.ingestions.filter(purged_at=None).exists():
        return 0
    for storage_key in set(document.ingestions.values_list("storage_key", flat=True)):
        files.remove(storage_key)  # of a run that was purged while its file was still needed
    with transaction.atomic():
        Event.objects.create(tenant_id=document.tenant_id, document_id=document.id, kind="purged")
        document.delete()
    return 1
