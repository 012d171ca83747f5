"""A SQLite file as a Django database of its own, with the options of `quire.settings`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections

ALIAS = "embedded_stores"
"""Not among the settings' databases: the tests' own, so that they may commit, and run whatever DATABASE_URL says."""


@contextmanager
def sqlite_file(path: Path) -> Iterator[str]:
    """Its alias; the file is a real one, so that a new connection, thread or process sees what was committed."""
    configured = connections.settings | {
        ALIAS: {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(path),
            "OPTIONS": {
                "timeout": 60,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    }
    connections.settings = connections.configure_settings(configured)
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]
