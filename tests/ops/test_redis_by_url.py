"""One REDIS_URL is enough for all that Quire does with Redis: passwords, users, TLS and sockets included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.own_redis import OwnRedis
from tests.tls_proxy import TlsProxy

ROUND_TRIP = Path(__file__).parent / "redis_round_trip.py"
PASSWORD, ENCODED = "p@ss/w?rd#1%:ü", "p%40ss%2Fw%3Frd%231%25%3A%C3%BC"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """With a password, and two users who may touch nothing but names under their own prefix."""
    with OwnRedis(Path(tmp_path_factory.mktemp("redis")), appendonly="yes") as server:
        admin = server.client()
        for name in ("one", "two"):
            rights = ["on", "resetchannels", f">{PASSWORD}", f"~{name}:*", "+@all"]
            # A pattern that is subscribed to, as Celery does, needs a right of the very same words.
            rights += [f"&{name}:{channels}" for channels in ("*", "/0.celery.pidbox", "/0.celeryev/*")]
            admin.execute_command("ACL", "SETUSER", name, *rights)
        yield server


def round_trip(folder: Path, *, url: str, prefix: str) -> dict[str, Any]:
    """What `redis_round_trip.py` says in a process with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QUIRE_", "DATABASE_"))}
    ours = {"QUIRE_DATA_DIR": str(folder), "REDIS_URL": url, "QUIRE_REDIS_PREFIX": prefix, "QUIRE_EMBEDDER": "hashing"}
    limits = {"QUIRE_MAX_REQUESTS_PER_MINUTE": "100", "DJANGO_SETTINGS_MODULE": "quire.settings"}
    done = subprocess.run(
        [sys.executable, str(ROUND_TRIP)],
        env=kept | ours | limits,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def assert_all_worked(said: dict[str, Any]) -> None:
    assert said["doctor"].endswith("answers")
    assert said["result"].startswith("Celery works")
    assert said["bad"] == ["FAILURE", "TypeError"]
    assert (said["broker"], said["news"], said["workers"]) == ("ok", True, 1)


def test_a_user_with_a_password_of_special_characters_over_tls(server: OwnRedis, tmp_path: Path) -> None:
    with TlsProxy(tmp_path, target_port=server.port) as proxy:
        url = f"rediss://one:{ENCODED}@127.0.0.1:{proxy.port}?ssl_ca_certs={proxy.ca_file}"
        assert_all_worked(round_trip(tmp_path, url=url, prefix="one"))


def test_a_user_with_a_password_at_a_socket_leaves_another_quire_on_the_same_redis_alone(
    server: OwnRedis, tmp_path: Path
) -> None:
    admin = server.client()
    admin.lpush("one:celery", "a message of the other's")
    assert_all_worked(round_trip(tmp_path, url=f"unix://two:{ENCODED}@{server.socket}", prefix="two"))
    assert admin.lindex("one:celery", 0) == b"a message of the other's"
    for db in (0, 1):
        admin.select(db)
        names = [name.decode() for name in admin.scan_iter("*")]
        assert [name for name in names if name.startswith("two:")]
        assert [name for name in names if not name.startswith(("one:", "two:"))] == []
