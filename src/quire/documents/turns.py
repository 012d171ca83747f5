"""Whose turn it is: the dispatcher gives turns by it, and reports foretell them by it.

Tenants take turns, whoever had none for longest first. Within a tenant the oldest document goes first, but for one
lane: while a long one is under way, the short ones go before the other long ones. So a short document waits for one
long one at most, and no long one is passed for ever: each time none is under way the oldest of all goes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, zip_longest
from uuid import UUID

from django.db.models import Case, F, Min, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Now, RowNumber

from quire.documents.models import Ingestion

LONG = (
    Q(bytes__gt=2**20)
    | Q(media_type__startswith="text/", bytes__gt=2**19)
    | Q(pages_total__gt=200)
    | Q(chunks_total__gt=400)
)
"""Probably more work than a slice (`QUIRE_SLICE_S`): a process embeds some 24 chunks, or 13 pages of text, a second; a
scan has far fewer pages, and more bytes. Pages and chunks are known once it was begun."""

WAITING = Q(status=Ingestion.Status.QUEUED) & (Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now()))
"""For its turn, and for nothing else."""
SENT = Q(status=Ingestion.Status.QUEUED, dispatched_at__isnull=False)

MOST_PASSED_OVER = 4
"""Tenants of whom nothing can be sent at present; each has something in Redis, which holds no more than that."""


def next_in_line(due: QuerySet[Ingestion], *, count: int) -> list[Ingestion]:
    """The next to be sent of these. No tenant gets a second turn before all had one.

    Fewer than `count` where a long document would stand in Redis behind another of its tenant: there nothing passes it.
    """
    sent = Ingestion.objects.filter(tenant_id=OuterRef("tenant_id"), turn_at__isnull=False)
    last = Subquery(sent.order_by("-turn_at").values("turn_at")[:1])
    tenants = due.values("tenant_id").annotate(first=Min("queued_at"), last=last)
    line = tenants.order_by(F("last").asc(nulls_first=True), "first")[: count + MOST_PASSED_OVER]
    found = (found for t in line if (found := _of_tenant(t["tenant_id"], due, count=count)))
    turns = zip_longest(*islice(found, count))
    return [ingestion for turn in turns for ingestion in turn if ingestion][:count]


def places(runs: Iterable[UUID], *, tenant_id: UUID) -> dict[UUID, int]:
    """Where these runs stand in the line of their tenant as it is now, 1 being next; by three queries.

    Those that do not wait for their turn stand nowhere.
    """
    waiting = Ingestion.objects.filter(WAITING, tenant_id=tenant_id)
    gives_way = _gives_way(waiting.exclude(SENT), has_one_under_way=bool(_long_under_way(tenant_id)))
    order = [_when(SENT).desc(), gives_way.asc(), F("queued_at").asc(), F("id").asc()]
    line = waiting.annotate(place=Window(RowNumber(), order_by=order))
    # One condition with the place itself, which never is 0: by a condition of their own only these would be counted.
    these = Q(id__in=list(runs)) | Q(place=0)
    return dict(line.filter(these).values_list("id", "place"))


def _of_tenant(tenant_id: UUID, due: QuerySet[Ingestion], *, count: int) -> list[Ingestion]:
    due = due.filter(tenant_id=tenant_id)
    under_way = _long_under_way(tenant_id)
    lost = set(due.filter(id__in=under_way).values_list("id", flat=True)) if under_way else set()
    statuses = [status for run, status in under_way.items() if run not in lost]
    is_one_sent = Ingestion.Status.QUEUED in statuses
    gives_way = _gives_way(due, has_one_under_way=bool(statuses))
    chosen: list[Ingestion] = []
    line = due.annotate(is_long=_when(LONG)).order_by(gives_way, "queued_at", "id")
    for ingestion in line.select_related("document")[:count]:
        if ingestion.is_long and is_one_sent:
            break
        is_one_sent = is_one_sent or ingestion.is_long
        chosen.append(ingestion)
    return chosen


def _gives_way(line: QuerySet[Ingestion], *, has_one_under_way: bool) -> Case:
    """Whether a run of this line is a long one behind another: one that is under way, or the first of the line."""
    first = None
    if not has_one_under_way:
        first = line.filter(LONG).order_by("queued_at", "id").values_list("id", flat=True).first()
    return _when(LONG & ~Q(id=first)) if first else _when(LONG)


def _long_under_way(tenant_id: UUID) -> dict[UUID, str]:
    """The long runs of a tenant that were sent or begun, with their status."""
    under_way = SENT | Q(status=Ingestion.Status.RUNNING)
    return dict(Ingestion.objects.filter(LONG, under_way, tenant_id=tenant_id).values_list("id", "status"))


def _when(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))
