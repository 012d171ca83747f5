"""The Redis that we start keeps what it was given, through kill -9 and through a torn file."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from quire.ops.supervisor import redis_server

try:
    BINARY = redis_server.find_binary()
except redis_server.PermanentError:  # Python 3.13 without a redis-server
    pytest.skip("no redis-server here", allow_module_level=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: a socket's path may not be long."""
    with tempfile.TemporaryDirectory(prefix="quire-") as name:
        yield Path(name)


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], redis.Redis]]:
    path = folder / "redis.sock"
    process = subprocess.Popen(
        redis_server.command(BINARY, folder=folder / "redis", socket_path=path), stdout=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 20
        while not redis_server.is_answering(path):
            assert process.poll() is None, "Redis ended by itself"
            assert time.monotonic() < end
            time.sleep(0.02)
        with redis.Redis(unix_socket_path=str(path)) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()


def test_what_was_queued_survives_kill_9(folder: Path) -> None:
    with running(folder) as (process, client):
        client.lpush("queue", *range(100))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with running(folder) as (_, client):
        assert client.llen("queue") == 100


def test_a_torn_end_of_its_file_does_not_stop_it(folder: Path) -> None:
    with running(folder) as (_, client):
        client.set("first", "1")
        client.set("last", "2")
    file = max(
        (path for path in (folder / "redis").rglob("*.aof*") if path.stat().st_size), key=lambda p: p.stat().st_mtime
    )
    os.truncate(file, file.stat().st_size - 5)
    with running(folder) as (_, client):
        assert client.get("first") == b"1"


def test_it_listens_to_nobody_else_and_evicts_nothing(folder: Path) -> None:
    with running(folder) as (_, client):
        config = client.config_get()
        assert (config["port"], config["appendonly"], config["maxmemory-policy"]) == ("0", "yes", "noeviction")
        assert stat.S_IMODE((folder / "redis.sock").stat().st_mode) == 0o700


def test_nothing_answers_where_nothing_runs(folder: Path) -> None:
    assert not redis_server.is_answering(folder / "redis.sock")
