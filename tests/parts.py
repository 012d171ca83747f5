"""What the tests run on: SQLite and a folder, or the parts of production that `QUIRE_TEST_ON` names (`postgres`)."""

from __future__ import annotations

import os

from tests import postgres_server

CHOSEN = frozenset(filter(None, os.environ.get("QUIRE_TEST_ON", "").split(",")))
KNOWN = {"postgres"}
IS_POSTGRES = "postgres" in CHOSEN

if CHOSEN - KNOWN:
    raise ValueError(f"QUIRE_TEST_ON names {', '.join(CHOSEN - KNOWN)}; known are {', '.join(KNOWN)}")


def of_session() -> dict[str, str]:
    """The environment of the tests' own process; pytest's workers each have a database of their own there."""
    if not IS_POSTGRES:
        return {}
    # Late: a heartbeat cannot see rows that a test has not committed, and would take the lease for lost.
    heartbeat = {"QUIRE_HEARTBEAT_S": "15"}
    return {"DATABASE_URL": postgres_server.server_url(), "QUIRE_DATABASE_POOL": "24", **heartbeat}


def of_service() -> dict[str, str]:
    """The environment of a service with processes of its own: a database that is empty and nobody else's."""
    return {"DATABASE_URL": postgres_server.new_database()} if IS_POSTGRES else {}
