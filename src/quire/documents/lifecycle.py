"""The life of an ingestion: every change of its status is a function here, and nowhere else.

               enqueue         claim: generation+1, lease
    (none) ──────────► QUEUED ───────────────────────────► RUNNING ─┬─► COMPLETED   the document flips to it
                        ▲ ▲ ▲                               │ │ │   └─► FAILED      permanent, attempts spent,
    sweep: lease over ──┘ │ └── release: worker stops ──────┘ │                     or the third crash
                          └──── put_back: after 2, 4, 8 s, ───┘
                                or as long as a limit says
    QUEUED, RUNNING ──► SUPERSEDED    a replacement, a retry or a delete: generation+1
               RUNNING ──► SUPERSEDED    begin_anew: other software had begun it, and a new run takes its place

Who holds a `Lease` may write, through `fenced`, whose transaction begins with the conditional UPDATE that finds
out whether the lease is still good; a worker that lost it changes nothing. Rows are locked in one order: document,
then ingestion. Only the database's clock is asked.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from quire.core.errors import LeaseLost, PermanentError, QuireError, RateLimited
from quire.documents import events
from quire.documents.lease import Lease
from quire.documents.models import Document, Ingestion, Stage, Status

log = logging.getLogger(__name__)

RETRY_DELAYS_S = (2, 4, 8)
JITTER = 0.1
MIN_WAIT_S = 1
"""However soon a provider lets us ask again: it counts as no attempt, and must not become a race."""
MAX_CRASHES = 3
POISON = (
    "Processing this document stopped the worker three times, so it was given up. It may be damaged or too complex."
)
TOO_LONG_A_WAIT = "This would have to wait for {} longer than a document may. Try it again later."
_DUE = Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now())


def enqueue(*, document: Document, kind: Ingestion.Kind, file: dict[str, Any], **past: Any) -> Ingestion:
    """Queue a new run over `file` (storage_key, sha256, bytes, media_type) in place of any unfinished one.

    `past` are fields of a run that it goes on for. The caller holds the document's row in a transaction.
    """
    supersede(document)
    newest = document.ingestions.order_by("-version").first()
    if newest and newest.storage_key != file["storage_key"]:
        # Purged or not, it has left its file, as that of the newest one: with another file it is needed no more.
        document.ingestions.filter(id=newest.id).update(purged_at=None)
    ingestion = Ingestion.objects.create(
        tenant_id=document.tenant_id,
        document=document,
        version=newest.version + 1 if newest else 1,
        kind=kind,
        **file,
        **past,
    )
    events.record(ingestion, "queued", reason=kind.value)
    return ingestion


def supersede(document: Document) -> None:
    """End the unfinished run of a document, if there is one: whoever works on it can write nothing more."""
    unfinished(document).update(
        status=Ingestion.Status.SUPERSEDED, generation=F("generation") + 1, lease_expires_at=None, finished_at=Now()
    )


def unfinished(document: Document) -> models.QuerySet[Ingestion]:
    """The run of a document that is waiting or under way: one at most."""
    return document.ingestions.filter(status__in=[Ingestion.Status.QUEUED, Ingestion.Status.RUNNING])


def claim(*, task_id: UUID, owner: str) -> Lease | None:
    """Take a due ingestion, or None when it is not there to be taken: another has it, it is over, or it must wait."""
    with transaction.atomic():
        taken = Ingestion.objects.filter(_DUE, task_id=task_id, status=Ingestion.Status.QUEUED).update(
            status=Ingestion.Status.RUNNING,
            generation=F("generation") + 1,
            lease_owner=owner[:200],
            lease_expires_at=in_s(settings.ENV.lease_s),
            started_at=Coalesce("started_at", Now()),
            next_attempt_at=None,
            waiting_for="",
        )
        if not taken:
            return None
        ingestion = Ingestion.objects.get(task_id=task_id)
        events.record(ingestion, "claimed", generation=ingestion.generation, owner=owner)
        return Lease(
            ingestion_id=ingestion.id,
            document_id=ingestion.document_id,
            tenant_id=ingestion.tenant_id,
            generation=ingestion.generation,
        )


def renew(lease: Lease) -> bool:
    """Push the lease's end away from now; False when it is no longer ours."""
    return bool(_held(lease).update(lease_expires_at=in_s(settings.ENV.lease_s)))


@contextmanager
def fenced(lease: Lease, **changes: Any) -> Iterator[None]:
    """A transaction that begins by renewing the lease, with `changes` to the ingestion; `LeaseLost` when it is gone."""
    with transaction.atomic():
        _fence(lease, **changes)
        yield


def complete(lease: Lease) -> None:
    """Make this ingestion the one that answers: one transaction, after which the old content is not seen again."""
    over = {"status": Ingestion.Status.COMPLETED, "stage": Stage.DONE, "error_code": "", "error_message": ""}
    with _closing(lease, **over) as ingestion:
        refuse_second(ingestion.document, sha256=ingestion.sha256)
        changes = {"status": Status.COMPLETED, "active_ingestion": ingestion, "title": ingestion.title}
        document = Document.objects.filter(id=lease.document_id)
        try:
            with transaction.atomic():
                document.update(sha256=ingestion.sha256, completed_at=Now(), **changes)
        except IntegrityError:  # the same content was taken in at this moment
            refuse_second(ingestion.document, sha256=ingestion.sha256)
            raise
        events.record(ingestion, "completed", generation=lease.generation)


def fail(lease: Lease, error: QuireError, **changes: Any) -> None:
    """End for good. A document that has content keeps it; one that never had any is failed, with the reason."""
    with _closing(lease, status=Ingestion.Status.FAILED, **_fields_of(error), **changes) as ingestion:
        _mark_failed(ingestion)


def refuse_second(document: Document, *, sha256: str) -> None:
    """Raise `PermanentError("duplicate_content")` when another living document of the tenant has this content."""
    others = Document.objects.filter(tenant_id=document.tenant_id, sha256=sha256).exclude(id=document.id)
    if other := others.exclude(status=Status.DELETING).first():
        message = f"Another document, “{other.name}”, has the same content. Delete one of the two."
        raise PermanentError(message, code="duplicate_content")


def put_back(lease: Lease, error: QuireError) -> bool:
    """Queue it again after a transient error, for as long as the provider says, else after 2, 4, 8 s.

    False when the attempts are spent, and the document is failed.
    """
    if isinstance(error, RateLimited):
        return _wait(lease, error)
    attempts = _held(lease).values_list("attempts", flat=True).first()
    if attempts is None:
        raise LeaseLost
    if attempts >= len(RETRY_DELAYS_S):
        fail(lease, error, attempts=attempts + 1)
        return False
    delay_s = RETRY_DELAYS_S[attempts] * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load, guards nothing
    _requeue(lease, error, delay_s=delay_s, attempts=attempts + 1)
    return True


def _wait(lease: Lease, error: RateLimited) -> bool:
    """Wait as long as the provider says, all waits together no longer than the deadline."""
    timings = _held(lease).values_list("timings", flat=True).first()
    if timings is None:
        raise LeaseLost
    waited_s = timings.get("waiting", 0)
    delay_s = min(max(error.retry_after_s, MIN_WAIT_S), settings.ENV.deadline_s - waited_s)
    if delay_s <= 0:
        fail(lease, PermanentError(TOO_LONG_A_WAIT.format(error.waiting_for), code="deadline_exceeded"))
        return False
    _requeue(
        lease,
        error,
        delay_s=delay_s,
        waiting_for=error.waiting_for[:200],
        timings=timings | {"waiting": waited_s + delay_s},
    )
    return True


def release(lease: Lease, *, gives_way: bool = False) -> None:
    """Hand unfinished work back without a mark against it: the worker is stopping, or others shall go first."""
    place = {"queued_at": Now()} if gives_way else {}
    with fenced(lease, status=Ingestion.Status.QUEUED, lease_expires_at=None, dispatched_at=None, **place):
        events.record(lease, "released", generation=lease.generation, gives_way=gives_way)


def begin_anew(lease: Lease) -> None:
    """Let a new run of the same task take this one's place, from the beginning: other software has made what there is.

    It is not wiped in place: a worker that was stopped in the middle could wipe, outside of the database, or write
    over, what a later one has made. What it can still reach then belongs to a run that nobody sees, and is collected.
    """
    task_id = _held(lease).values_list("task_id", flat=True).first()
    if task_id is None:
        raise LeaseLost
    with _closing(lease, status=Ingestion.Status.SUPERSEDED, task_id=uuid4()) as over:
        file = {name: getattr(over, name) for name in ("storage_key", "sha256", "bytes", "media_type")}
        past = {name: getattr(over, name) for name in ("queued_at", "started_at", "attempts", "crash_count", "timings")}
        anew = enqueue(document=over.document, kind=Ingestion.Kind(over.kind), file=file, task_id=task_id, **past)
        Ingestion.objects.filter(id=anew.id).update(created_at=over.created_at)


def others_wait() -> bool:
    """Whether anything is due that no worker works on."""
    return Ingestion.objects.filter(_DUE, status=Ingestion.Status.QUEUED).exists()


def sweep() -> int:
    """Take back every lease that ran out; its third crash without progress ends it. Returns how many came back."""
    expired = Ingestion.objects.filter(status=Ingestion.Status.RUNNING, lease_expires_at__lt=Now())
    _end(expired.filter(crash_count__gte=MAX_CRASHES - 1), code="poison", message=POISON)
    return sum(_take_back(ingestion, crash=True) for ingestion in expired)


def take_back_all() -> int:
    """Take back every lease at once, for who knows that no worker is alive, as `quire up` does at its start."""
    return sum(_take_back(i, crash=False) for i in Ingestion.objects.filter(status=Ingestion.Status.RUNNING))


def in_s(seconds: float) -> models.Expression:
    """The moment `seconds` from now on the database's clock."""
    return models.ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=models.DateTimeField())


def _held(lease: Lease) -> models.QuerySet[Ingestion]:
    return Ingestion.objects.filter(id=lease.ingestion_id, generation=lease.generation, status=Ingestion.Status.RUNNING)


def _fence(lease: Lease, **changes: Any) -> None:
    changes.setdefault("lease_expires_at", in_s(settings.ENV.lease_s))
    if not _held(lease).update(**changes):
        raise LeaseLost
    events.announce(lease)


@contextmanager
def _closing(lease: Lease, **changes: Any) -> Iterator[Ingestion]:
    """The last transaction of a run: document first, then ingestion, both still ours, or `LeaseLost`."""
    with transaction.atomic():
        living = Document.objects.filter(id=lease.document_id).living()
        if not living.update(status=F("status")):  # changes nothing: takes the row's lock
            raise LeaseLost
        _fence(lease, lease_expires_at=None, finished_at=Now(), **changes)
        yield Ingestion.objects.get(id=lease.ingestion_id)


def _requeue(lease: Lease, error: QuireError, *, delay_s: float, **changes: Any) -> None:
    with fenced(
        lease,
        status=Ingestion.Status.QUEUED,
        lease_expires_at=None,
        next_attempt_at=in_s(delay_s),
        dispatched_at=None,
        **_fields_of(error),
        **changes,
    ):
        events.record(lease, "put_back", code=error.code, delay_s=round(delay_s, 2), generation=lease.generation)


def _fields_of(error: QuireError) -> dict[str, str]:
    """What a library says may hold NUL, which PostgreSQL keeps in no text."""
    return {"error_code": error.code[:50], "error_message": error.message.replace("\0", "")}


def _take_back(ingestion: Ingestion, *, crash: bool) -> int:
    with transaction.atomic():
        held = Ingestion.objects.filter(
            id=ingestion.id, generation=ingestion.generation, status=Ingestion.Status.RUNNING
        )
        if crash:
            held = held.filter(lease_expires_at__lt=Now())
        taken = held.update(
            status=Ingestion.Status.QUEUED,
            generation=F("generation") + 1,
            crash_count=F("crash_count") + (1 if crash else 0),
            lease_expires_at=None,
            dispatched_at=None,
        )
        if taken:
            log.warning("took back document %s from %s", ingestion.document_id, ingestion.lease_owner)
            events.record(ingestion, "taken_back", owner=ingestion.lease_owner)
        return taken


def _end(ingestions: models.QuerySet[Ingestion], *, code: str, message: str) -> None:
    for ingestion in ingestions:
        with transaction.atomic():
            Document.objects.filter(id=ingestion.document_id).update(status=F("status"))
            ended = ingestions.filter(id=ingestion.id, generation=ingestion.generation).update(
                status=Ingestion.Status.FAILED,
                generation=F("generation") + 1,
                lease_expires_at=None,
                finished_at=Now(),
                error_code=code,
                error_message=message,
            )
            if ended:
                ingestion.refresh_from_db()
                _mark_failed(ingestion)


def _mark_failed(ingestion: Ingestion) -> None:
    Document.objects.filter(id=ingestion.document_id, active_ingestion=None).living().update(status=Status.FAILED)
    events.record(ingestion, "failed", code=ingestion.error_code, attempts=ingestion.attempts)
