"""Reaches the Redis of the settings, and tells what is wrong with it in words that say what to set."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from quire.core.errors import PermanentError

TIMEOUT_S = 2
START = "start Quire (`quire up`), which brings a Redis of its own where REDIS_URL is not set"
_PASSWORD = ("It refuses user or password", "Set both right in REDIS_URL, special characters in percent form")
_WANTS_PASSWORD = ("It wants a password", "Give one: REDIS_URL=redis://:password@host:port")
_NO_TLS = ("It does not speak TLS", "Begin REDIS_URL with redis://, or give the port that speaks TLS")
_HUNG_UP = (
    "It closed the connection, as a port does that wants TLS",
    "Begin REDIS_URL with rediss:// if this one does",
)
_RIGHTS = (
    "Its user may not do what Quire does",
    "Give the user `~quire:* &quire:* &quire:/0.celery.pidbox &quire:/0.celeryev/* +@all`, or with your own "
    "QUIRE_REDIS_PREFIX in place of quire",
)
CAUSES: dict[str, tuple[str, str]] = {
    "certificate_verify_failed": (
        "Its TLS certificate is not trusted",
        "Give its authority's file, REDIS_URL=rediss://…?ssl_ca_certs=FILE, and the host that the certificate names",
    ),
    "wrong_version_number": _NO_TLS,
    "wrong version number": _NO_TLS,
    "record layer failure": _NO_TLS,
    "invalid username-password": _PASSWORD,
    "wrongpass": _PASSWORD,
    "authentication required": _WANTS_PASSWORD,
    "already authenticated": _WANTS_PASSWORD,
    "noauth": _WANTS_PASSWORD,
    "nopermission": _RIGHTS,
    "loading the dataset": ("It still loads its file", "Wait until it has"),
    "read only replica": ("It is a replica, which takes no writes", "Name the primary in REDIS_URL"),
    "oom command not allowed": ("Its memory is full", "Raise its `maxmemory`"),
    "connection closed by server": _HUNG_UP,
    "connection reset by peer": _HUNG_UP,
}
"""What an error's class and text hold, in small letters → what that means, and what to do; the first that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A Redis that answers: what is said of it, and what should be set in it, empty when nothing."""

    said: str
    advice: str = ""


def look() -> Finding:
    """Raises `PermanentError("redis_unusable")` with cause and advice when it cannot be worked with."""
    try:
        with _client() as client:
            _write(client)
            info = client.info()
    except (redis.RedisError, OSError) as error:
        raise _explained(error) from error
    said = f"version {info['redis_version']} answers"
    if not info.get("aof_enabled"):
        return Finding(
            said=f"{said}, append-only file off: a restart forgets its queue, which costs seconds",
            advice="Set `appendonly yes` in Redis",
        )
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return Finding(
            said=f"{said}, evicts ({policy}): it may drop messages", advice="Set `maxmemory-policy noeviction` in Redis"
        )
    return Finding(said=said)


def _client() -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(
        settings.ENV.redis(0), socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S, retry=once
    )


def _write(client: redis.Redis) -> None:
    """What every part does: a key, a script, a message and a subscription under our prefix."""
    name = f"{settings.ENV.redis_prefix}:doctor"
    client.set(name, "well", ex=60)
    client.eval("return redis.call('GET', KEYS[1])", 1, name)
    client.publish(name, "well")
    with client.pubsub() as workers:  # type: ignore[no-untyped-call]  # redis ships no type for it
        workers.psubscribe(
            f"{settings.ENV.redis_prefix}:/0.celery.pidbox"
        )  # as Celery does: a pattern has its own right
        workers.get_message(timeout=TIMEOUT_S)


def _explained(error: Exception) -> PermanentError:
    text = f"{type(error).__name__}: {error}".lower()
    for sign, (cause, advice) in CAUSES.items():
        if sign in text:
            return PermanentError(f"{cause}. {advice}.", code="redis_unusable")
    if isinstance(error, redis.TimeoutError) and settings.ENV.redis_url.startswith("rediss:"):
        return PermanentError(
            f"It gives no answer to TLS within {TIMEOUT_S} s. {_NO_TLS[1]}; and see that it runs.",
            code="redis_unusable",
        )
    message = f"It cannot be reached ({error}). See that REDIS_URL is right and the server runs; or {START}."
    return PermanentError(message, code="redis_unusable")
