"""Figures for Prometheus, read from the rows whenever they are asked for, so that any web process gives the same."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Case, Count, F, Min, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from quire.documents.models import Document, Event, Ingestion, Status
from quire.documents.turns import WAITING


class QuireCollector(Collector):
    """Documents and runs by status, and how long the oldest due one has waited."""

    def collect(self) -> Iterator[Metric]:
        yield _by_status("quire_documents", "Documents by status", Document.objects.all(), list(Status))
        yield _by_status("quire_ingestions", "Runs by status", Ingestion.objects.all(), list(Ingestion.Status))
        yield GaugeMetricFamily(
            "quire_oldest_due_age_seconds",
            "Seconds that the longest waiting run has been due and not been begun",
            value=_oldest_due_age_s(),
        )
        expired = Ingestion.objects.filter(status=Ingestion.Status.RUNNING, lease_expires_at__lt=Now())
        yield GaugeMetricFamily("quire_expired_leases", "Runs whose worker fell silent", value=expired.count())


def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(QuireCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _by_status(
    name: str, help_text: str, rows: QuerySet[Document] | QuerySet[Ingestion], statuses: list[str]
) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=["status"])
    counts = dict(rows.order_by().values_list("status").annotate(Count("id")))
    for status in statuses:
        family.add_metric([str(status)], counts.get(status, 0))
    return family


def _oldest_due_age_s() -> float:
    """What was begun has been due since it came back, told to come again, handed back by a worker or taken from it; not
    since it was uploaded."""
    came_back = Event.objects.filter(
        document_id=OuterRef("document_id"), ingestion_id=OuterRef("id"), kind__in=["queued", "released", "taken_back"]
    )
    since = Coalesce(
        "next_attempt_at",
        Case(When(started_at=None, then=F("queued_at"))),
        Subquery(came_back.order_by("-id").values("at")[:1]),
        "queued_at",
    )
    first = Ingestion.objects.filter(WAITING).aggregate(first=Min(since))["first"]
    return max(0.0, (timezone.now() - first).total_seconds()) if first else 0.0
