"""A database that is away, or is not what DATABASE_URL says, is a sentence; one that is there is taken as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from tests import postgres_server

Quire = Callable[..., CompletedProcess[str]]

NOBODY = "postgres://quire:s3cret@127.0.0.1:1/quire"


@pytest.fixture
def database() -> str:
    return postgres_server.new_database()


@pytest.mark.parametrize("command", ["migrate", "worker", "web", "prepare"])
def test_a_server_that_is_away_stops_the_start_with_what_to_do(quire: Quire, tmp_path: Path, command: str) -> None:
    refused = quire(tmp_path, command, DATABASE_URL=NOBODY)
    assert refused.returncode == 1
    last = refused.stderr.strip().splitlines()[-1]
    assert last.startswith("error[database_unavailable]: The database “quire” at 127.0.0.1:1")
    assert "See that PostgreSQL runs there" in last
    assert "Traceback" not in refused.stderr
    assert "s3cret" not in refused.stderr


def test_a_database_that_does_not_exist_is_said_so(quire: Quire, tmp_path: Path, database: str) -> None:
    refused = quire(tmp_path, "migrate", DATABASE_URL=database.replace("/quire_", "/no_"))
    assert "does not exist. Create it" in refused.stderr


def test_a_database_without_tables_sends_to_migrate(quire: Quire, tmp_path: Path, database: str) -> None:
    assert "error[not_migrated]" in quire(tmp_path, "worker", DATABASE_URL=database).stderr


def test_doctor_tells_of_a_server_that_may_lose_what_it_accepted(quire: Quire, tmp_path: Path, database: str) -> None:
    assert quire(tmp_path, "migrate", DATABASE_URL=database).returncode == 0
    found = {row["part"]: row for row in json.loads(quire(tmp_path, "doctor", "--json", DATABASE_URL=database).stdout)}
    assert (found["database"]["state"], found["database"]["said"]) == ("warn", "postgresql answers")
    assert "fsync = on" in found["database"]["advice"]  # off for tests
    assert [found[part]["state"] for part in ("migrations", "vector store", "keyword index")] == ["ok"] * 3


def test_many_may_prepare_one_database_at_once(tmp_path: Path, database: str, quire: Quire) -> None:
    from concurrent.futures import ThreadPoolExecutor

    folders = [tmp_path / str(number) for number in range(3)]
    with ThreadPoolExecutor(len(folders)) as threads:
        done = list(threads.map(lambda folder: quire(folder, "prepare", DATABASE_URL=database), folders))
    assert [run.returncode for run in done] == [0] * len(folders), [run.stderr for run in done]
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM tenants_tenant").fetchone() == (1,)
