"""Says in a sentence why the database cannot be reached, and lets one process at a time prepare it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import DatabaseError, connection, connections

from quire.core.errors import TransientError

_PREPARING = 0x51554952
"""Name of the lock under which tables are made, on a database that several machines start with at once."""
PREPARE_LIMIT_S = 600
_ADVICE = {
    "password": "See user and password in DATABASE_URL; special characters must be percent-encoded.",
    "role": "See the user in DATABASE_URL, or create it.",
    "does not exist": "Create it, with the encoding UTF-8, or see the name at the end of DATABASE_URL.",
    "resolve": "See the host's name in DATABASE_URL.",
    "not known": "See the host's name in DATABASE_URL.",
    "refused": "See that PostgreSQL runs there and listens, and host and port in DATABASE_URL.",
    "No such file": "See that PostgreSQL runs, and the socket's folder in DATABASE_URL.",
    "timeout": "See host and port in DATABASE_URL, and that no firewall stands between.",
    "pg_hba": "See pg_hba.conf on the server, and `?sslmode=` in DATABASE_URL.",
    "SSL": "See `?sslmode=` and `?sslrootcert=` in DATABASE_URL.",
    "too many": "Raise max_connections on the server, or lower QUIRE_DATABASE_POOL.",
    "remaining connection slots": "Raise max_connections on the server, or lower QUIRE_DATABASE_POOL.",
}


def check() -> None:
    """Raise `TransientError` (`database_unavailable`), whose sentence says what to do, unless the database answers."""
    try:
        _connect()
    except DatabaseError as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> TransientError:
    """The sentence for an error of a connection. The pool's says only that it waited: the reason is asked for."""
    try:
        _connect()
    except DatabaseError as direct:
        error = direct
    reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    advice = next((said for sign, said in _ADVICE.items() if sign in reason), "See that DATABASE_URL is right.")
    where = _where()
    return TransientError(f"The database {where} does not answer: {reason}. {advice}", code="database_unavailable")


@contextmanager
def preparing() -> Iterator[None]:
    """Nobody else prepares the database meanwhile; what is done may take its time."""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = 0; SET lock_timeout = '{PREPARE_LIMIT_S}s'")
        cursor.execute("SELECT pg_advisory_lock(%s)", [_PREPARING])
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a connection that is lost holds no lock
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_PREPARING])
            cursor.execute("RESET statement_timeout; RESET lock_timeout")  # the pool hands it on


def disconnect() -> None:
    """Close every connection and pool of this process; the next statement opens them anew."""
    for each in connections.all(initialized_only=True):
        each.close()
        if each.vendor == "postgresql":
            each.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's alone


def weaknesses() -> str:
    """What of the server's settings could lose a document, or cannot keep any text; empty when there is nothing."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        found = []
        for name, (wrong, advice) in _SETTINGS.items():
            cursor.execute("SELECT current_setting(%s)", [name])
            if cursor.fetchone()[0] in wrong:
                found.append(advice)
    return "; ".join(found)


_SETTINGS = {
    "fsync": ({"off"}, "Set `fsync = on`: a crash of the machine could destroy the database"),
    "full_page_writes": ({"off"}, "Set `full_page_writes = on`: a crash of the machine could destroy the database"),
    "synchronous_commit": ({"off"}, "Set `synchronous_commit = on`: a crash could lose a document that was accepted"),
    "server_encoding": ({"SQL_ASCII", "LATIN1"}, "Create the database with the encoding UTF-8"),
}


def _connect() -> None:
    """One connection past the pool, closed again."""
    if connection.vendor != "postgresql":
        connection.ensure_connection()
        return
    with connection.wrap_database_errors:
        connection.Database.connect(**connection.get_connection_params()).close()  # type: ignore[attr-defined]


def _where() -> str:
    """Host, port and name: no password."""
    database = settings.DATABASES["default"]
    if connection.vendor != "postgresql":
        return str(database["NAME"])
    host = database["HOST"] or database["OPTIONS"].get("host") or "on this machine's socket"
    return f"“{database['NAME']}” at {host}:{database['PORT'] or 5432} for the user “{database['USER'] or '-'}”"
