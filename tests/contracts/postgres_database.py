"""A PostgreSQL database of its own as a Django database, whatever DATABASE_URL says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dj_database_url
from django.db import connections
from tests.postgres_server import new_database

ALIAS = "postgres_stores"
"""Not among the settings' databases, so that the tests may commit."""


@contextmanager
def postgres_database(alias: str = ALIAS) -> Iterator[str]:
    """Its alias; another than usual for a second one at the same time."""
    configured = connections.settings | {alias: dict(dj_database_url.parse(new_database()))}
    connections.settings = connections.configure_settings(configured)
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]
