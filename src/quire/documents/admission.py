"""Whether one more file may be taken: the tenant has room for it, and the service is not behind with its work."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, F, Q, Sum

from quire.core.errors import TransientError
from quire.documents import lifecycle
from quire.documents.models import Document, Ingestion, Status
from quire.tenants import quotas
from quire.tenants.models import Tenant

RETRY_AFTER_S = 60


class Overloaded(TransientError):
    """The oldest work has waited too long: more would only wait longer."""

    code = "overloaded"
    retry_after_s = RETRY_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Living documents, and the bytes of the files kept for them."""

    documents: int
    bytes: int


def check(tenant: Tenant, *, bytes_more: int, is_new: bool = True) -> None:
    """Raise `QuotaExceeded`, or `Overloaded`; for a file in place of another only its bytes count."""
    _check_room(tenant, bytes_more=bytes_more, is_new=is_new)
    if _is_behind():
        message = "More documents are waiting than can be read in good time. Nothing was kept: try again later."
        raise Overloaded(message)


def take_room(tenant: Tenant, *, bytes_more: int, is_new: bool = True) -> None:
    """Look again, in the transaction that uses the room, before it locks any document, or raise `QuotaExceeded`: of
    many uploads at once only as many are taken as there is room for."""
    limit = quotas.room(tenant)
    if limit.documents is not None or limit.bytes is not None:
        Tenant.objects.filter(id=tenant.id).update(name=F("name"))  # changes nothing: takes the row's lock
        _check_room(tenant, bytes_more=bytes_more, is_new=is_new)


def _check_room(tenant: Tenant, *, bytes_more: int, is_new: bool) -> None:
    limit = quotas.room(tenant)
    if limit.documents is not None or limit.bytes is not None:
        held = kept(tenant)
        documents = held.documents if is_new else 0
        quotas.check_room(tenant, documents=documents, bytes_kept=held.bytes, bytes_more=bytes_more)


def kept(tenant: Tenant) -> Kept:
    """What counts against the tenant's room now."""
    runs = Q(purged_at=None) & ~Q(document__status=Status.DELETING)
    used = Ingestion.objects.for_tenant(tenant).filter(runs).values("storage_key", "bytes").distinct()
    return Kept(
        documents=Document.objects.for_tenant(tenant).living().aggregate(n=Count("id"))["n"],
        bytes=used.aggregate(n=Sum("bytes"))["n"] or 0,
    )


def _is_behind() -> bool:
    """Whether something has been due for longer than anything should wait.

    What was begun and handed back counts from when it was told to come again, if it was: `queued_at` is its place in
    line, which it kept however long it was worked on since. It is the first in its tenant's line, and what waits behind
    it counts.
    """
    long_ago = lifecycle.in_s(-settings.ENV.max_queue_age_s)
    queued = Ingestion.objects.filter(queued_at__lt=long_ago, status=Ingestion.Status.QUEUED)
    never_begun = Q(next_attempt_at=None, started_at=None)
    return queued.filter(never_begun | Q(next_attempt_at__lt=long_ago)).exists()
