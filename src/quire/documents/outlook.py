"""What a document that waits for its turn can be told: its place in line, and how long that will probably take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now

from quire.documents import lifecycle, turns
from quire.documents.models import Ingestion

RECENT_RUNS = 20
"""As many of those that ended last tell how long a turn takes."""
STILL_THERE_S = 10
"""A worker process that ended a run so lately is between two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    place: int
    """In the line of its tenant: 1 is next."""
    eta_s: float | None
    """Seconds until it is begun; None while nobody works, or before anything has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A turn takes `turn_s` seconds in the mean, and `processes` are at work."""

    turn_s: float
    processes: int


def outlooks(runs: Iterable[Ingestion]) -> dict[UUID, Outlook]:
    """Of those that wait for their turn, by id; by as many queries for one as for many of a tenant."""
    waiting: dict[UUID, list[UUID]] = defaultdict(list)
    for run in runs:
        if run.status == Ingestion.Status.QUEUED:
            waiting[run.tenant_id].append(run.id)
    if not waiting:
        return {}
    pace, line = _pace(), _line()
    return {
        run: Outlook(place=place, eta_s=_eta_s(place, tenant_id=tenant_id, line=line, pace=pace))
        for tenant_id, ids in waiting.items()
        for run, place in turns.places(ids, tenant_id=tenant_id).items()
    }


def _eta_s(place: int, *, tenant_id: UUID, line: Mapping[UUID, int], pace: Pace | None) -> float | None:
    """Until its turn each other tenant has as many, where so many wait; then a process must become free."""
    if pace is None:
        return None
    others = sum(min(place, waiting) for other, waiting in line.items() if other != tenant_id)
    return round((place + others) * pace.turn_s / pace.processes, 1)


def _line() -> dict[UUID, int]:
    """How many documents of each tenant wait for their turn."""
    return dict(Ingestion.objects.filter(turns.WAITING).values_list("tenant_id").annotate(Count("id")))


def _pace() -> Pace | None:
    at_work = Ingestion.objects.filter(status=Ingestion.Status.RUNNING, lease_expires_at__gt=Now())
    owners = set(at_work.values_list("lease_owner", flat=True))
    ended = Ingestion.objects.filter(finished_at__isnull=False).exclude(status=Ingestion.Status.SUPERSEDED)
    ended = ended.annotate(is_fresh=Q(finished_at__gt=lifecycle.in_s(-STILL_THERE_S))).order_by("-finished_at")
    recent = list(ended.values_list("timings", "lease_owner", "is_fresh")[:RECENT_RUNS])
    owners |= {owner for _, owner, is_fresh in recent if is_fresh}
    if not owners or not recent:
        return None
    return Pace(turn_s=sum(_turn_s(timings) for timings, *_ in recent) / len(recent), processes=len(owners))


def _turn_s(timings: Mapping[str, float]) -> float:
    """How long a run keeps a process: what is long gives way, and comes again behind those that wait."""
    worked_s = sum(seconds for stage, seconds in timings.items() if stage != "waiting")
    return min(worked_s, settings.ENV.slice_s)
