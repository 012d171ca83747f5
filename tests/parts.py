"""What the tests run on: SQLite and a folder, or parts of production: `QUIRE_TEST_ON=postgres,s3`, or one of them."""

from __future__ import annotations

import os
from functools import cache

from tests import postgres_server, s3_server

CHOSEN = frozenset(filter(None, os.environ.get("QUIRE_TEST_ON", "").split(",")))
KNOWN = {"postgres", "s3"}
IS_POSTGRES = "postgres" in CHOSEN
IS_S3 = "s3" in CHOSEN

if CHOSEN - KNOWN:
    raise ValueError(f"QUIRE_TEST_ON names {', '.join(CHOSEN - KNOWN)}; known are {', '.join(KNOWN)}")


@cache
def of_session() -> dict[str, str]:
    """The environment of the tests' own process; pytest's workers each have a database and a bucket of their own."""
    files = _bucket() if IS_S3 else {}
    if not IS_POSTGRES:
        return files
    # Late: a heartbeat cannot see rows that a test has not committed, and would take the lease for lost.
    heartbeat = {"QUIRE_HEARTBEAT_S": "15"}
    return files | {"DATABASE_URL": postgres_server.server_url(), "QUIRE_DATABASE_POOL": "24", **heartbeat}


def of_service() -> dict[str, str]:
    """The environment of a service with processes of its own: database and bucket that are empty and nobody else's."""
    files = _bucket() if IS_S3 else {}
    return files | ({"DATABASE_URL": postgres_server.new_database()} if IS_POSTGRES else {})


def _bucket() -> dict[str, str]:
    """Files come through the web, so that what the tests ask of a download is asked there; tests of links say so."""
    return s3_server.environment(s3_server.new_bucket()) | {"QUIRE_S3_PRESIGNED": "off"}
