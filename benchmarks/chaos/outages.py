"""A Quire on PostgreSQL, Redis, S3, Gemini and Pinecone, each of which can hang, or refuse connections, for a while."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg
from benchmarks.chaos import outside, processes
from benchmarks.chaos.production import Postgres
from benchmarks.chaos.service import QUIRE, ROOT, Service, Tenant

from quire.ops.supervisor.tether import tied
from quire.testing import pinecone_server

How = Literal["hangs", "refuses"]
SERVICES = ("PostgreSQL", "Redis", "S3", "Gemini", "Pinecone")
RELAYED = ("s3", "gemini", "pinecone")


@dataclass
class Surroundings:
    """What is around Quire: PostgreSQL of its own, and a process with stand-ins for the rest, a relay before each."""

    folder: Path
    _relays: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        self.postgres = Postgres(self.folder / "postgres")
        self._ports = {name: _free_port() for name in RELAYED}
        command = [sys.executable, "-m", "benchmarks.chaos.outside", self._url("pinecone")]
        self._outside = subprocess.Popen(tied(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._outside.stdout
        self._targets: dict[str, int] = json.loads(self._outside.stdout.readline())
        for name in RELAYED:
            self.start_relay(name)

    def stop(self) -> None:
        for process in (*self._relays.values(), self._outside):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self.postgres.stop()

    @property
    def settings(self) -> dict[str, str]:
        """What has Quire use all of it."""
        return {
            "DJANGO_SETTINGS_MODULE": "quire.settings",
            "DATABASE_URL": self.postgres.url,
            "AWS_STORAGE_BUCKET_NAME": outside.BUCKET,
            "AWS_S3_ENDPOINT_URL": self._url("s3"),
            "AWS_S3_REGION_NAME": outside.REGION,
            "AWS_ACCESS_KEY_ID": outside.KEY_ID,
            "AWS_SECRET_ACCESS_KEY": outside.SECRET,
            "QUIRE_S3_PRESIGNED": "off",
            "QUIRE_EMBEDDER": "gemini",
            "QUIRE_CHAT_MODEL": "gemini",
            "GEMINI_API_KEY": "gemini-test-key",
            "GOOGLE_GEMINI_BASE_URL": self._url("gemini"),
            "QUIRE_VECTOR_STORE": "pinecone",
            "PINECONE_API_KEY": pinecone_server.API_KEY,
            "PINECONE_CONTROLLER_HOST": self._url("pinecone"),
            "QUIRE_PINECONE_CREATE": "aws/us-east-1",
        }

    def start_relay(self, name: str) -> None:
        words = [str(self._ports[name]), str(self._targets[name])]
        command = [sys.executable, "-m", "benchmarks.chaos.relay", *words]
        self._relays[name] = subprocess.Popen(tied(command), cwd=ROOT)
        end = time.monotonic() + 30
        while not _is_listening(self._ports[name]):
            if time.monotonic() > end:
                raise TimeoutError(f"the relay before {name} does not start")
            time.sleep(0.02)

    def signal_relay(self, name: str, number: signal.Signals) -> None:
        self._relays[name].send_signal(number)
        if number == signal.SIGKILL:
            self._relays[name].wait()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[arg-type]

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The service with all that is around it, and who uses it: a key for programs, a session for pages."""

    around: Surroundings
    service: Service
    api: httpx.Client
    browser: httpx.Client

    @contextmanager
    def without(self, name: str, how: How) -> Iterator[None]:
        """This service is away for the time of the block, and back at its end."""
        leave, return_ = self._blows(name, how)
        leave()
        try:
            yield
        finally:
            return_()

    def _blows(self, name: str, how: How) -> tuple[Callable[[], object], Callable[[], object]]:
        stop, go_on, kill = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL
        around, service = self.around, self.service
        if name == "PostgreSQL":
            if how == "hangs":
                return lambda: around.postgres.send(stop), lambda: around.postgres.send(go_on)
            return lambda: around.postgres.send(kill), around.postgres.start
        if name == "Redis":
            if how == "hangs":
                redis = service.parts["redis"].pid
                return lambda: processes.send(stop, redis), lambda: processes.send(go_on, redis)
            return lambda: service.kill("redis", is_wanted=False), lambda: service.start("redis")
        relay = name.lower()
        if how == "hangs":
            return lambda: around.signal_relay(relay, stop), lambda: around.signal_relay(relay, go_on)
        return lambda: around.signal_relay(relay, kill), lambda: around.start_relay(relay)


@contextmanager
def staged(folder: Path, *, timeout_s: float) -> Iterator[Scene]:
    """All of it, ready, for the time of the block; clients give up after `timeout_s`."""
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    around = Surroundings(folder)
    around.start()
    own = folder / "quire"
    own.mkdir()
    service = Service(folder=own, settings=around.settings)
    try:
        service.start("redis")
        first = json.loads(service.run(*QUIRE, "prepare", "--url", service.url))
        service.tenants = [Tenant(id="", key=first["api_key"])]
        service.start_all()
        limits = httpx.Limits(max_connections=200)
        browser = httpx.Client(
            base_url=service.url, timeout=timeout_s, limits=limits, trust_env=False, follow_redirects=True
        )
        with service.http(timeout_s=timeout_s) as api, browser:
            _sign_in(browser, first["sign_in_link"])
            yield Scene(around=around, service=service, api=api, browser=browser)
    finally:
        service.stop()
        around.stop()


def _sign_in(browser: httpx.Client, link: str) -> None:
    browser.get(link).raise_for_status()
    token = browser.cookies["csrftoken"]
    browser.post(link, data={"csrfmiddlewaretoken": token}, headers={"Referer": link}).raise_for_status()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
