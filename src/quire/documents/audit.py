"""Looks whether database, object storage, vector store and keyword index hold the same documents, both ways.

    database ──► storage, vectors, keywords    what a living document needs is there
    database ◄── storage, vectors              what is there belongs to something

Large sets are walked in batches. Whatever is younger than an hour may be work under way, and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from uuid import UUID

from django.core.files.storage import storages
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from quire import registry
from quire.core.errors import QuireError
from quire.documents import files, services
from quire.documents.models import Ingestion, Status
from quire.tenants.models import Tenant

BATCH = 500
SETTLED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not agree. `subject` is the id or the key; `repair` says what mends it."""

    kind: str
    """`file_missing`, `file_unowned`, `vectors_missing`, `keywords_missing` or `vectors_unowned`."""
    subject: str
    detail: str
    repair: str
    is_repaired: bool = False


Repair = Callable[[], None]


def audit(*, repair: bool = False) -> Iterator[Finding]:
    """Every disagreement, as it is found; mended first where `repair` is set and it can be mended."""
    for check in (_check_documents, _check_files, _check_vectors):
        for finding, mend in check():
            yield _mended(finding, mend) if repair and mend else finding


def _mended(finding: Finding, mend: Repair) -> Finding:
    try:
        mend()
    except QuireError as error:  # the document was deleted or replaced meanwhile: the next audit will see
        return replace(finding, repair=f"{finding.repair}: {error.message}")
    return replace(finding, is_repaired=True)


def _check_documents() -> Iterator[tuple[Finding, Repair | None]]:
    """What living documents need."""
    answering = Ingestion.objects.filter(id=F("document__active_ingestion")).select_related("tenant")
    settled = answering.filter(finished_at__lt=_settled_before()).exclude(document__status=Status.DELETING)
    with_chunks = settled.annotate(held=Count("chunks"))
    for ingestion in with_chunks.order_by("id").iterator(chunk_size=BATCH):
        yield from _check_index(ingestion, held=ingestion.held)
        if not storages["default"].exists(ingestion.storage_key):
            yield _finding(
                "file_missing",
                str(ingestion.document_id),
                f"The file {ingestion.storage_key} is not in storage; the text still answers.",
                "restore it from a backup, or upload the document again",
            )


def _check_index(ingestion: Ingestion, *, held: int) -> Iterator[tuple[Finding, Repair | None]]:
    def mend() -> None:
        services.reindex(tenant=ingestion.tenant, document_id=ingestion.document_id)

    namespace, ingestion_id = str(ingestion.tenant_id), str(ingestion.id)
    counts = {
        "vectors": registry.vector_store().count(namespace, ingestion_id=ingestion_id),
        "keywords": registry.keyword_index().count(namespace, ingestion_id=ingestion_id),
    }
    for what, count in counts.items():
        if count != held or held == 0:
            detail = f"The document has {held} chunks, and {what} of {count}."
            yield _finding(f"{what}_missing", str(ingestion.document_id), detail, "index it again", mend)
            return  # one run mends both


def _check_files() -> Iterator[tuple[Finding, Repair | None]]:
    """Files in storage that no run knows."""
    settled = (key for key, modified in files.walk() if modified < _settled_before())
    for keys in _batches(settled):
        owned = set(Ingestion.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True))
        for key in sorted(set(keys) - owned):
            mend = partial(files.remove_unowned, key)
            yield _finding("file_unowned", key, "No document has this file.", "delete it", mend)


def _check_vectors() -> Iterator[tuple[Finding, Repair | None]]:
    """Vectors of runs that are unknown, or purged, or over for an hour without being the ones that answer."""
    store = registry.vector_store()
    for tenant in Tenant.objects.order_by("id").iterator(chunk_size=BATCH):
        namespace = str(tenant.id)
        for ingestion_ids in _batches(store.ingestion_ids(namespace)):
            for ingestion_id in sorted(set(ingestion_ids) - _may_have_vectors(tenant, ingestion_ids)):
                yield _finding(
                    "vectors_unowned",
                    ingestion_id,
                    "These vectors belong to no document that answers.",
                    "delete them",
                    partial(store.delete, namespace, ingestion_id=ingestion_id),
                )


def _may_have_vectors(tenant: Tenant, ingestion_ids: list[str]) -> set[str]:
    known: QuerySet[Ingestion] = Ingestion.objects.for_tenant(tenant).filter(id__in=[UUID(i) for i in ingestion_ids])
    is_answering = Q(id=F("document__active_ingestion")) & ~Q(document__status=Status.DELETING)
    is_under_way = Q(status__in=[Ingestion.Status.QUEUED, Ingestion.Status.RUNNING])
    is_recent = Q(finished_at__gte=_settled_before()) | Q(document__deleted_at__gte=_settled_before())
    keeping = known.filter(is_answering | is_under_way | is_recent, purged_at=None)
    return {str(pk) for pk in keeping.values_list("id", flat=True)}


def _finding(
    kind: str, subject: str, detail: str, repair: str, mend: Repair | None = None
) -> tuple[Finding, Repair | None]:
    return Finding(kind=kind, subject=subject, detail=detail, repair=repair), mend


def _settled_before() -> datetime:
    return timezone.now() - SETTLED_AFTER


def _batches(items: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
