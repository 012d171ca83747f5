"""Removes what nobody can see any more: runs that were replaced, given up or deleted, and their files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from quire import registry
from quire.documents import lifecycle
from quire.documents.models import Chunk, Document, Event, Ingestion, Page, Status, Tombstone

log = logging.getLogger(__name__)

BATCH = 50
ROWS_AT_ONCE = 500
"""Rows deleted in one transaction: short enough that no heartbeat waits for it."""
LOOK_AGAIN_AFTER_S = 3600

_Row = TypeVar("_Row", Ingestion, Document)


def collect() -> int:
    """Purge a batch of finished runs and deleted documents. Returns how many of both. Safe to run many times over."""
    deleting = Document.objects.filter(status=Status.DELETING).order_by("?")
    purged = sum(_try(_purge, ingestion) for ingestion in _unneeded().order_by("?")[:BATCH])
    return purged + sum(_try(_remove, document) for document in deleting[:BATCH])


def _try(purge: Callable[[_Row], int], row: _Row) -> int:
    """In no order, and on past an error: what cannot be purged now must not hold up the rest."""
    try:
        return purge(row)
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


def _purge(ingestion: Ingestion) -> int:
    """Delete a run's vectors, keywords, chunks and pages, see that they are gone, and note it."""
    namespace, ingestion_id = str(ingestion.tenant_id), str(ingestion.id)
    parts = (registry.vector_store(), registry.keyword_index())
    for part in parts:
        part.delete(namespace, ingestion_id=ingestion_id)
    for model in (Chunk, Page):
        while ids := model.objects.filter(ingestion=ingestion).values_list("pk", flat=True)[:ROWS_AT_ONCE]:
            model.objects.filter(pk__in=list(ids)).delete()
    if any(part.count(namespace, ingestion_id=ingestion_id) for part in parts):
        log.info("vectors or keywords of ingestion %s are not gone yet", ingestion_id)
        return 0
    _delete_file(ingestion)
    return Ingestion.objects.filter(id=ingestion.id, purged_at=None).update(purged_at=Now())


def _delete_file(ingestion: Ingestion) -> None:
    """Delete the file, unless the run that answers or the newest of a living document needs it too."""
    document = Document.objects.select_related("active_ingestion").get(id=ingestion.document_id)
    if document.status != Status.DELETING:
        needed = {document.ingestions.order_by("-version")[0].storage_key}
        if document.active_ingestion:
            needed.add(document.active_ingestion.storage_key)
        if ingestion.storage_key in needed:
            return
    default_storage.delete(ingestion.storage_key)


def _remove(document: Document) -> int:
    """Forget a deleted document whose runs are all purged; a tombstone remembers what to look for once more."""
    if document.ingestions.filter(purged_at=None).exists():
        return 0
    for storage_key in set(document.ingestions.values_list("storage_key", flat=True)):
        default_storage.delete(storage_key)  # of a run that was purged while its file was still needed
    with transaction.atomic():
        Tombstone.objects.get_or_create(
            document_id=document.id,
            defaults={
                "tenant_id": document.tenant_id,
                "ingestion_ids": [str(pk) for pk in document.ingestions.values_list("id", flat=True)],
                "storage_keys": list(document.ingestions.values_list("storage_key", flat=True)),
                "purge_at": lifecycle.in_s(LOOK_AGAIN_AFTER_S),
            },
        )
        Event.objects.create(tenant_id=document.tenant_id, document_id=document.id, kind="purged")
        document.delete()
    return 1
