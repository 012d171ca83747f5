"""Figures for Prometheus, read from the rows whenever they are asked for, so that any web process gives the same."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from quire.documents.models import Document, Ingestion, Status


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
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now())
    waiting = Ingestion.objects.filter(due, status=Ingestion.Status.QUEUED)
    first = waiting.aggregate(first=Min("created_at"))["first"]
    return max(0.0, (timezone.now() - first).total_seconds()) if first else 0.0
