"""How Django reaches the database that the environment names: SQLite in one file, or PostgreSQL through a pool.

Nothing waits for ever. A server that is away, a lock that is not given back, a network that swallows packets and a
process that stopped in the middle of a transaction all end as an `OperationalError`: the web answers 503, a worker
tries again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

from quire.environment import Environment

CONNECT_S = 5
LOCK_S = 15
"""For a row that somebody else holds: every transaction of ours is over in a fraction of a second."""
STATEMENT_S = 300
"""For one statement: a backstop, since the longest are the deletes of a purge and the search of a large tenant."""
IDLE_IN_TRANSACTION_S = 30
"""After which the server ends the session of a process that was stopped in a transaction, and frees what it locked."""
_SESSION = {
    "lock_timeout": f"{LOCK_S}s",
    "statement_timeout": f"{STATEMENT_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s",
}
_NETWORK = {
    "connect_timeout": CONNECT_S,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds that sent data may stay unacknowledged
}


def default(env: Environment, *, data_dir: Path) -> dict[str, Any]:
    """Django's entry for the database. Options in DATABASE_URL, such as `?sslmode=require`, go before ours."""
    if not env.is_postgres:
        return _sqlite(env.database_url or f"sqlite:///{data_dir / 'quire.sqlite3'}", data_dir=data_dir)
    return _postgres(env.database_url, connections=env.database_pool)


def _sqlite(url: str, *, data_dir: Path) -> dict[str, Any]:
    options = {
        "timeout": 60,  # seconds that a writer waits for another; writes are short
        "transaction_mode": "IMMEDIATE",  # a transaction that begins with a read could not be upgraded under load
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    # A file, not memory: tests of workers and threads open it from several connections.
    test = {"NAME": os.environ.get("QUIRE_TEST_DATABASE", str(data_dir / "test.sqlite3"))}
    return {**dj_database_url.parse(url), "OPTIONS": options, "TEST": test}


def _postgres(url: str, *, connections: int) -> dict[str, Any]:
    parsed = dj_database_url.parse(url)
    given = parsed.get("OPTIONS", {})
    session = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    options = {
        **_NETWORK,
        **given,
        "options": f"{session} {given.get('options', '')}".strip(),  # of two the later counts
        "pool": {
            "min_size": 0,
            "max_size": connections,
            "timeout": CONNECT_S,
            # Its pauses double: without this end a pool would still sleep long after the server is back.
            "reconnect_timeout": CONNECT_S,
        },
    }
    # Looked at before each use: what a restart of the server has cut is replaced unseen. With a pool each thread
    # gives its connection back at the end of a request, which a maximum age of 0 means.
    return {**parsed, "OPTIONS": options, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
