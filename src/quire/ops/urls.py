"""The addresses that operators' tools ask, at the root and without a slash, as is their custom."""

from __future__ import annotations

from django.urls import path

from quire.ops import health, metrics

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
