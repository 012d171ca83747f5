"""Whether this process lives, and whether what it needs answers."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from quire import registry
from quire.celery import app
from quire.documents import files
from quire.documents.events import CONNECT_TIMEOUT_S
from quire.ops.patience import Patience

log = logging.getLogger(__name__)

NEEDED = {"database", "storage"}
"""While these answer, an upload is safe: everything else may come back later."""
WORKERS_ANSWER_WITHIN_S = 0.3
_outside = Patience(limit_s=2)


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: the process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: uploads are safe. 503 otherwise; the body says what answers."""
    parts = {name: _state(name, check) for name, check in CHECKS.items()}
    is_ready = all(parts[name] == "ok" for name in NEEDED)
    status = "ready" if is_ready else "unavailable"
    return JsonResponse({"status": status, "parts": parts}, status=200 if is_ready else 503)


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def check_storage() -> str:
    files.reach()
    return "ok"


def check_broker() -> str:
    url = settings.ENV.redis(0)
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=1, retry=once) as client:
        client.ping()
    return "ok"


def check_workers() -> str:
    """Workers answer over the broker; none is no error, only a wait."""
    check_broker()
    # Over a connection of its own: by itself a ping takes one of the pool's ten and then a second, for which ten who
    # ask at once would wait for ever, each for the others.
    with app.connection_for_write() as connection:
        answers = app.control.ping(timeout=WORKERS_ANSWER_WITHIN_S, connection=connection)
    return "ok" if answers else "none"


def check_vector_store() -> str:
    """An outside one may be slow to answer, and must not make this process look as if it were."""
    store = registry.vector_store()

    def look() -> object:
        return next(iter(store.ingestion_ids(str(uuid.UUID(int=0)))), None)

    if store.is_transactional:
        look()
    else:
        _outside.ask(look)
    return "ok"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "storage": check_storage,
    "broker": check_broker,
    "workers": check_workers,
    "vector_store": check_vector_store,
}


def _state(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not answer
        log.warning("%s does not answer: %s", name, error)
        return "unavailable"
