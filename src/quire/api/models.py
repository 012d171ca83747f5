"""Answers kept for a day, so that a client which lost one may safely ask again."""

from __future__ import annotations

from typing import Any

from django.db import models

from quire.tenants.models import TenantModel


class IdempotencyKey(TenantModel):
    """The first request that came with this key, and its answer once there is one."""

    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of what was asked for."""
    created_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """HTTP status of the answer; null while the first request runs."""
    body: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    location = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
