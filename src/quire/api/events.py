"""Progress as server-sent events: subscribe, then a snapshot, then each change, always read from the rows.

`document` carries a document as `GET /api/documents/<id>/` shows it; `deleted` carries its id.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import OperationalError, connections
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from quire.api import sse
from quire.api.auth import caller_of
from quire.api.news import News
from quire.api.schemas import DocumentOut
from quire.documents import services
from quire.documents.models import Document, Event, Ingestion, Status
from quire.documents.reports import report, reports
from quire.documents.services import NotFoundError
from quire.tenants.models import Tenant
from quire.tenants.services import Caller, still_may

router = Router(tags=["events"])

KEEP_ALIVE_S = 15
JUDGE_EVERY_S = 15
SNAPSHOT_DOCUMENTS = 100
"""Unfinished documents that a tenant's stream begins with: the newest."""
LOOK_BACK = 200
"""Entries of the history, of all tenants, that are looked at again: PostgreSQL numbers them before it commits them."""
_STREAM = {
    "responses": {
        200: {"description": "A stream of `document` and `deleted` events", "content": {"text/event-stream": {}}}
    }
}


@router.get("documents/{uuid:document_id}/events/", summary="Follow a document", openapi_extra=_STREAM)
def document_events(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Ends after the final state was sent. 204 once nothing more can come, so that a browser stops asking."""
    caller = caller_of(request)
    tenant = caller.tenant
    now = report(services.get(tenant=tenant, document_id=document_id))
    seen = request.headers.get("Last-Event-ID")
    if now.is_final and seen in {None, _state(DocumentOut.of(now))}:
        return HttpResponse(status=204)
    return sse.response(follow(caller, DocumentWatch(tenant, document_id)))


@router.get("events/", summary="Follow all of the tenant's documents", openapi_extra=_STREAM)
def tenant_events(request: HttpRequest) -> HttpResponseBase:
    """Begins with what is unfinished; ends only when who asked may do so no longer."""
    caller = caller_of(request)
    return sse.response(follow(caller, TenantWatch(caller.tenant)))


class Watch(Protocol):
    """What is looked at again and again."""

    is_over: bool

    def look(self) -> list[bytes]:
        """The events since the last look."""
        ...


async def follow(caller: Caller, watch: Watch) -> AsyncIterator[bytes]:
    """Events as they come. Between looks no database connection is held.

    A key may be revoked while its stream is open: every `JUDGE_EVERY_S` the caller is judged anew.
    """
    sent_at = judged_at = time.monotonic()
    async with News(caller.tenant.id) as news:
        while True:
            if time.monotonic() - judged_at >= JUDGE_EVERY_S:
                judged_at = time.monotonic()
                if not await sync_to_async(_may_go_on)(caller):
                    return
            found = await sync_to_async(_look)(watch.look)
            if not found and time.monotonic() - sent_at >= KEEP_ALIVE_S:
                found = [sse.KEEP_ALIVE]
            for event in found:
                sent_at = time.monotonic()
                yield event
            if watch.is_over:
                return
            await news.wait()


class DocumentWatch:
    """One document, until nothing more can come."""

    def __init__(self, tenant: Tenant, document_id: UUID) -> None:
        self.is_over = False
        self._tenant = tenant
        self._document_id = document_id
        self._shown = ""

    def look(self) -> list[bytes]:
        try:
            now = report(services.get(tenant=self._tenant, document_id=self._document_id))
        except NotFoundError:
            self.is_over = True
            return [_deleted(self._document_id)]
        self.is_over = now.is_final
        before, self._shown = self._shown, _state(DocumentOut.of(now))
        return [_changed(DocumentOut.of(now))] if self._shown != before else []


class TenantWatch:
    """All of a tenant's documents: those with new entries in the history, and those being worked on."""

    is_over = False

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._newest_event: int | None = None
        self._told: set[int] = set()
        """Of the entries of the history from `LOOK_BACK` before the newest on: those that were told."""
        self._shown: dict[UUID, str] = {}
        """Of those being worked on: the state that was sent."""

    def look(self) -> list[bytes]:
        entries = self._entries()
        touched = self._touched(entries)
        running = set(self._unfinished().filter(status=Ingestion.Status.RUNNING).values_list("document_id", flat=True))
        watched = touched | running | self._shown.keys()
        outs = [DocumentOut.of(r) for r in reports(self._living(watched))]
        gone = touched - {out.id for out in outs}
        events = [_changed(out) for out in outs if out.id in touched or self._shown.get(out.id) != _state(out)]
        # Noted last: a look that the database broke off is made again, and tells what that one would have.
        self._newest_event = max([*entries, self._newest_event or 0])
        self._told = {entry for entry in entries if entry > self._newest_event - LOOK_BACK}
        self._shown = {out.id: _state(out) for out in outs if out.id in running}
        return events + [_deleted(document_id) for document_id in gone]

    def _entries(self) -> dict[int, UUID]:
        """The last entries of the history, and of which document each is."""
        newest = self._newest_event
        if newest is None:
            newest = self._history().aggregate(newest=Max("id"))["newest"] or 0
        return dict(self._history().filter(id__gt=newest - LOOK_BACK).values_list("id", "document_id"))

    def _touched(self, entries: dict[int, UUID]) -> set[UUID]:
        if self._newest_event is None:
            newest = self._unfinished().exclude(document__status=Status.DELETING).order_by("-created_at")
            return set(newest.values_list("document_id", flat=True)[:SNAPSHOT_DOCUMENTS])
        return {document_id for entry, document_id in entries.items() if entry not in self._told}

    def _history(self) -> QuerySet[Event]:
        history: QuerySet[Event] = Event.objects.for_tenant(self._tenant)
        return history

    def _unfinished(self) -> QuerySet[Ingestion]:
        unfinished = [Ingestion.Status.QUEUED, Ingestion.Status.RUNNING]
        runs: QuerySet[Ingestion] = Ingestion.objects.for_tenant(self._tenant).filter(status__in=unfinished)
        return runs

    def _living(self, ids: Iterable[UUID]) -> QuerySet[Document]:
        return services.living(tenant=self._tenant).filter(id__in=list(ids)).order_by("created_at")


def _may_go_on(caller: Caller) -> bool:
    try:
        return still_may(caller)
    except OperationalError:
        return True  # nor does a look find anything then
    finally:
        connections.close_all()


def _look(look: Callable[[], list[bytes]]) -> list[bytes]:
    try:
        return look()
    except OperationalError:
        return []  # the next look may find the database again
    finally:
        connections.close_all()


def _changed(document: DocumentOut) -> bytes:
    return sse.event("document", document.model_dump_json(), event_id=_state(document))


def _deleted(document_id: UUID) -> bytes:
    return sse.event("deleted", json.dumps({"id": str(document_id)}))


def _state(document: DocumentOut) -> str:
    """The same for as long as nothing changed but the clock."""
    shown = document.model_dump_json(exclude={"timings": True, "pending": {"timings"}})
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
