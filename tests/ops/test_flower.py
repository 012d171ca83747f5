"""`quire flower`, really run: it shows the queue of a Redis with a password behind TLS, to who knows Flower's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.own_redis import OwnRedis
from tests.tls_proxy import TlsProxy

START_LIMIT_S = 120
PASSWORD, ENCODED = "p@ss/w?rd", "p%40ss%2Fw%3Frd"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis in whose queue three messages wait."""
    with OwnRedis(tmp_path) as server, TlsProxy(tmp_path, target_port=server.port) as proxy:
        admin = server.client()
        admin.rpush("quire:celery", *"abc")
        admin.execute_command("ACL", "SETUSER", "ada", "on", f">{PASSWORD}", "~quire:*", "+@all")
        yield f"rediss://ada:{ENCODED}@127.0.0.1:{proxy.port}?ssl_ca_certs={proxy.ca_file}"


@pytest.fixture
def flower(queue: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The running process, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QUIRE_", "DATABASE_"))}
    ours = {"QUIRE_DATA_DIR": str(tmp_path / "data"), "QUIRE_EMBEDDER": "hashing", "REDIS_URL": queue}
    command = [sys.executable, "-m", "quire", "flower", "--port", str(port), "--url-prefix", "flower"]
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            command, env=kept | ours | {"FLOWER_BASIC_AUTH": "eve:secret"}, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}/flower"
        _wait_until_there(process, url, tmp_path / "output")
        yield process, url
    finally:
        process.kill()
        process.wait()


def test_it_shows_the_queue_to_who_knows_its_password_and_stops_when_told(
    flower: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, url = flower
    for password in (None, ("eve", "guessed")):
        assert httpx.get(f"{url}/broker", auth=password, trust_env=False).status_code == 401
    with httpx.Client(auth=("eve", "secret"), trust_env=False, timeout=60) as eve:
        assert "Flower" in eve.get(f"{url}/").text
        queues = eve.get(f"{url}/api/queues/length").json()["active_queues"]
    assert queues == [{"name": "celery", "messages": 3}]
    process.terminate()
    assert process.wait(60) == 0


def _wait_until_there(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{url}/healthcheck", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Flower did not start: {output.read_text()}")
