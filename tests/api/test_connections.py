"""How the web holds its connections to PostgreSQL: few, given back at once, and found again after a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg.conninfo
import pytest
from tests import postgres_server
from tests.api.conftest import Live, running

POOL = 3


@pytest.fixture(scope="module")
def database() -> str:
    return postgres_server.new_database()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("postgres")
    with running(folder, DATABASE_URL=database, QUIRE_DATABASE_POOL=str(POOL)) as live:
        yield live


def sessions(database: str, *, condition: str = "true") -> list[tuple[Any, ...]]:
    """State and last statement of each session on the database but our own."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT pid, state, query FROM pg_stat_activity"  # noqa: S608 - a condition of ours
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        ).fetchall()


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.1)


def test_more_event_streams_than_connections_are_open_and_requests_are_answered(service: Live, database: str) -> None:
    with ThreadPoolExecutor(4 * POOL) as threads:
        streams = [service.http.stream("GET", "/api/events/", timeout=60) for _ in range(4 * POOL)]
        opened = list(threads.map(lambda stream: stream.__enter__(), streams))
        assert [stream.status_code for stream in opened] == [200] * len(streams)
        answers = list(threads.map(lambda _: service.http.get("/api/documents/").status_code, range(4 * POOL)))
        wait_until(lambda: not sessions(database, condition="state LIKE 'idle in transaction%'"))
        for stream in streams:
            stream.__exit__(None, None, None)
    assert answers == [200] * len(answers)


def test_who_leaves_in_the_middle_takes_no_connection_along(service: Live) -> None:
    for _ in range(4 * POOL):
        with pytest.raises(httpx.TimeoutException):
            service.http.post("/api/search/", json={"query": "nutmeg"}, timeout=0.0005)
    answers = [service.http.get("/api/documents/").status_code for _ in range(4 * POOL)]
    assert answers == [200] * len(answers)


def test_what_is_cut_off_by_a_restart_comes_back_by_itself(service: Live, database: str) -> None:
    document = service.take_in(b"Nutmeg grows on Banda.")
    assert service.http.get(f"/api/documents/{document['id']}/").status_code == 200
    with psycopg.connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert service.http.get(f"/api/documents/{document['id']}/").status_code == 200
    assert service.take_in(b"Mace is the aril of the same seed.")["status"] == "completed"


def test_a_database_that_is_away_is_503_and_the_work_goes_on_once_it_is_back(service: Live, database: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(postgres_server.server_url(), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            refused = service.upload(b"Cloves grow on Ternate.")
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            assert int(refused.headers["Retry-After"]) > 0
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    wait_until(lambda: service.http.get("/api/documents/").status_code == 200)
    assert service.take_in(b"Cloves grow on Ternate.")["status"] == "completed"
