"""The same Idempotency-Key with the same request gets the same answer (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from quire.api.models import IdempotencyKey
from quire.documents.lifecycle import in_s
from quire.documents.services import RefusedError
from quire.tenants.models import Tenant

KEPT_S = 24 * 3600
GIVEN_UP_AFTER_S = 600
"""A request that left no answer for so long was cut off, together with its process."""
MAX_CHARACTERS = 255


def fingerprint(*parts: str) -> str:
    """What makes two requests the same."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def begin(*, tenant: Tenant, key: str, fingerprint: str) -> IdempotencyKey:
    """The row of this key: new, its `status` null, for the request that is to run; else the answer that was given.

    Raises `RefusedError`: `idempotency_key_reused`, `idempotency_in_progress`, `invalid_request`.
    """
    if len(key) > MAX_CHARACTERS or not key.isprintable():
        message = f"Idempotency-Key: Use at most {MAX_CHARACTERS} printable characters."
        raise RefusedError(message, code="invalid_request", status=422)
    rows = IdempotencyKey.objects.for_tenant(tenant)
    rows.filter(Q(created_at__lt=in_s(-KEPT_S)) | Q(status=None, created_at__lt=in_s(-GIVEN_UP_AFTER_S))).delete()
    try:
        with transaction.atomic():
            new: IdempotencyKey = rows.create(tenant=tenant, key=key, fingerprint=fingerprint, created_at=Now())
            return new
    except IntegrityError:
        return _check(rows.filter(key=key).first(), fingerprint)


def finish(row: IdempotencyKey, *, status: int, body: dict[str, Any], location: str) -> None:
    """Keep the answer."""
    IdempotencyKey.objects.filter(id=row.id).update(status=status, body=body, location=location)


def abandon(row: IdempotencyKey) -> None:
    """The request was refused or broke off: the key may be used again."""
    IdempotencyKey.objects.filter(id=row.id).delete()


def _check(row: IdempotencyKey | None, fingerprint: str) -> IdempotencyKey:
    if row is None or (row.status is None and row.fingerprint == fingerprint):
        message = "The first request with this Idempotency-Key is still running. Ask again in a moment."
        raise RefusedError(message, code="idempotency_in_progress", status=409)
    if row.fingerprint != fingerprint:
        message = "This Idempotency-Key was used for another request. Use a new key for a new request."
        raise RefusedError(message, code="idempotency_key_reused", status=422)
    return row
