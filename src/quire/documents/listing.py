"""Lists a tenant's documents: which of them, in what order, and how many stand how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from quire.documents import services
from quire.documents.models import Document, Ingestion, Status
from quire.tenants.models import Tenant


class Sort(StrEnum):
    """The order of a list; documents that are equal in it are told apart by their ids."""

    NEWEST = "newest"
    NAME = "name"
    """From A to Z, capital letters like small ones."""
    SIZE = "size"
    """The largest file first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of the documents that were looked for stand how."""

    all: int
    processing: int
    completed: int
    failed: int


def find(*, tenant: Tenant, q: str = "", status: str = "", sha256: str = "") -> QuerySet[Document]:
    """Of the tenant's documents those whose name or title holds `q`, that stand so, and whose file has this hash."""
    documents = services.living(tenant=tenant)
    if status:
        documents = documents.filter(status=status)
    if sha256:
        documents = documents.filter(sha256=sha256.lower())
    return documents.filter(Q(name__icontains=q) | Q(title__icontains=q)) if q else documents


def with_keys(documents: QuerySet[Document]) -> QuerySet[Document]:
    """Each with `name_key` and `file_bytes`, by which lists are sorted."""
    newest = Ingestion.objects.filter(document=OuterRef("pk")).order_by("-version").values("bytes")[:1]
    return documents.annotate(name_key=Lower("name"), file_bytes=Coalesce("active_ingestion__bytes", Subquery(newest)))


def counts(documents: QuerySet[Document]) -> Counts:
    """How many there are of each status, by one query."""
    found = dict(documents.order_by().values_list("status").annotate(n=Count("id")))
    by_status = {status.value: int(found.get(status.value, 0)) for status in Status if status != Status.DELETING}
    return Counts(all=sum(by_status.values()), **by_status)
