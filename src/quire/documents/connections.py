"""Database connections are few: none is held while somebody else's service is waited for."""

from __future__ import annotations

from django.db import connections


def release_connections() -> None:
    """Give this thread's database connections back before a wait for somebody else's service.

    The next statement takes one again by itself. Within a transaction it does nothing.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block:
            connection.close()
