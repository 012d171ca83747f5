"""Queues documents to be indexed again, and clears vectors away that the present model cannot be compared with."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db.models import QuerySet

from quire import registry
from quire.core.errors import PermanentError
from quire.documents import services
from quire.documents.models import Document, Ingestion, Status
from quire.ops import checks
from quire.tenants.models import Tenant

log = logging.getLogger(__name__)


def reindex(*, document_id: str | None, everything: bool) -> int:
    """Queue one document, every completed one, or those of another model. Returns how many.

    A document of another model is found by its words alone until it is done: vectors of two models never meet.
    """
    chosen = _chosen(document_id, everything)
    _forget_foreign_vectors()
    registry.prepare_stores()
    return sum(_queue(document) for document in chosen)


def _queue(document: Document) -> bool:
    """False when it was deleted, or began to fail, in the meantime: that needs no reindexing."""
    try:
        services.reindex(tenant=document.tenant, document_id=document.id)
    except services.RefusedError as error:
        log.info("%s is left out: %s", document.id, error.message)
        return False
    return True


def _chosen(document_id: str | None, everything: bool) -> list[Document]:
    documents: QuerySet[Document] = Document.objects.filter(status=Status.COMPLETED).select_related("tenant")
    if document_id:
        if found := list(documents.filter(id__in=_uuids(document_id))):
            return found
        raise PermanentError(f"There is no completed document {document_id}.", code="not_found")
    return list(documents if everything else checks.foreign_documents().select_related("tenant"))


def _forget_foreign_vectors() -> None:
    """Delete the vectors of every run of another model; of one under way too, which then starts anew."""
    store = registry.vector_store()
    for tenant in Tenant.objects.all():
        namespace = str(tenant.id)
        held = [UUID(ingestion_id) for ingestion_id in store.ingestion_ids(namespace)]
        mine = Ingestion.objects.filter(id__in=held, embedder_id=registry.embedder().id)
        for ingestion_id in set(held) - set(mine.values_list("id", flat=True)):
            store.delete(namespace, ingestion_id=str(ingestion_id))


def _uuids(text: str) -> list[UUID]:
    try:
        return [UUID(text)]
    except ValueError:
        return []
