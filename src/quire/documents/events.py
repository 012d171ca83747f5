"""Tells what happened: to the append-only history, and, once committed, to whoever is watching.

Redis carries the news on one channel a tenant, and only the news that something changed: a watcher reads the row.
A dead Redis loses news and nothing else, since watchers also look by themselves now and then.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from quire.documents.lease import Lease
from quire.documents.models import Event, Ingestion

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 0.1


def channel(tenant_id: UUID) -> str:
    """Pub/Sub knows no database numbers, so that the name says whose channel it is."""
    return f"{settings.ENV.redis_prefix}:events:{tenant_id}"


def record(subject: Ingestion | Lease, kind: str, /, **data: Any) -> None:
    """Write history, in the caller's transaction, and announce it."""
    ingestion = subject if isinstance(subject, Ingestion) else Ingestion.objects.get(id=subject.ingestion_id)
    Event.objects.create(
        tenant_id=ingestion.tenant_id,
        document_id=ingestion.document_id,
        ingestion_id=ingestion.id,
        kind=kind,
        data=data,
    )
    log.info("%s document=%s task=%s %s", kind, ingestion.document_id, ingestion.task_id, data or "")
    transaction.on_commit(lambda: publish(ingestion.tenant_id, ingestion.document_id))


def announce(lease: Lease) -> None:
    """Tell watchers, once this transaction is committed, that the document's row has changed."""
    transaction.on_commit(lambda: publish(lease.tenant_id, lease.document_id))


def publish(tenant_id: UUID, document_id: UUID) -> None:
    """Tell watchers now. Never raises: news is a convenience."""
    try:
        _redis().publish(channel(tenant_id), str(document_id))
    except redis.RedisError as error:
        log.debug("nobody was told: %s", error)


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.ENV.redis(0),
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=1,
        retry=Retry(NoBackoff(), 0),  # by default it tries again for seconds
    )
