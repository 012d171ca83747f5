"""A whole Quire on a folder of its own, each part a process that can be killed, stopped and started by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import redis
from benchmarks.chaos import reading

from quire.ops.supervisor import redis_server
from quire.ops.supervisor.port import listen, url_of
from quire.ops.supervisor.tether import tied

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120
END_LIMIT_S = 60
QUIRE = (sys.executable, "-P", "-m", "quire")
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "benchmarks.chaos.settings",
    "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    "QUIRE_EMBEDDER": "hashing",
    "QUIRE_OCR": "none",
    "QUIRE_WORKER_CONCURRENCY": "2",
    "QUIRE_PARSER_MEMORY_BYTES": str(256 * 2**20),
}
SHORT_LEASES = {"QUIRE_LEASE_S": "4", "QUIRE_HEARTBEAT_S": "1", "QUIRE_SWEEP_S": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant, and the key that speaks for it."""

    id: str
    key: str


@dataclass
class Part:
    """One process, and whether it is to be started again when it is found dead."""

    name: str
    command: list[str]
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    is_wanted: bool = False

    @property
    def pid(self) -> int:
        """Raises `RuntimeError` for a part that does not run."""
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"{self.name} does not run")
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Service:
    """Its methods belong to one thread: what it starts dies with that thread."""

    folder: Path
    workers: int = 1
    dispatchers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    data_dir: Path = Path()
    """Within `folder` when left out."""
    tenants: list[Tenant] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.data_dir == Path():
            self.data_dir = self.folder / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._listening = listen("127.0.0.1", 0)
        self.url = url_of("127.0.0.1", self._listening.getsockname()[1])
        fd = self._listening.fileno()
        self.parts = {"redis": Part("redis", self._redis_command()), "web": _part("web", "--fd", str(fd), fds=(fd,))}
        for kind, count in (("worker", self.workers), ("dispatcher", self.dispatchers)):
            for number in range(1, count + 1):
                self.parts[f"{kind}-{number}"] = _part(kind, number=number)

    @cached_property
    def environ(self) -> dict[str, str]:
        """What every part is started with: nothing of the tests' own settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("QUIRE_", "DJANGO_", "PYTEST_", "CHAOS_"))}
        return {**kept, **SETTINGS, **self.settings, "QUIRE_DATA_DIR": str(self.data_dir)}

    def prepare(self, *, tenants: int = 1) -> None:
        """Redis, database, tenants: what must be there before the other parts."""
        self.start("redis")
        self.run(*QUIRE, "prepare", "--url", self.url)
        made = json.loads(self.run(sys.executable, "-P", "-m", "benchmarks.chaos.tenants", str(tenants)))
        self.tenants = [Tenant(**tenant) for tenant in made]

    def start_all(self) -> None:
        for name in self.parts:
            self.start(name)
        self.wait_ready()

    def start(self, name: str) -> None:
        """Start a part that does not run, and keep it running from now on."""
        part = self.parts[name]
        if part.process and not part.is_wanted and part.is_running:
            part.process.wait(END_LIMIT_S)  # it was asked to stop
        part.is_wanted = True
        if part.is_running:
            return
        with (self.folder / f"{name}.log").open("ab") as log:
            part.process = subprocess.Popen(
                tied(part.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environ,
                cwd=self.folder,
                pass_fds=part.fds,
                process_group=0,
            )
        if name == "redis":
            self.wait(lambda: redis_server.is_answering(self._redis_socket), "Redis does not answer")

    def kill(self, name: str, *, by: signal.Signals = signal.SIGKILL, is_wanted: bool = True) -> None:
        """End a part by a signal and wait for its end; `tend` starts it again where it `is_wanted`."""
        part = self.parts[name]
        part.is_wanted = is_wanted
        if part.process:
            part.process.send_signal(by)
            part.process.wait(END_LIMIT_S)

    def ask_to_stop(self, name: str) -> None:
        """Send SIGTERM, and do not wait: `start` does, before it starts the part again."""
        part = self.parts[name]
        part.is_wanted = False
        if part.process:
            part.process.terminate()

    def tend(self) -> list[str]:
        """Start again whatever died; the names of those that had."""
        dead = [name for name, part in self.parts.items() if part.is_wanted and not part.is_running]
        for name in dead:
            self.start(name)
        return dead

    def stop(self) -> None:
        """All parts, in order; whatever does not end is killed."""
        for name in reversed(self.parts):
            part = self.parts[name]
            if part.process and part.is_running:
                part.process.send_signal(signal.SIGCONT)
                part.process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    part.process.wait(15)
            if part.process:
                with suppress(ProcessLookupError):
                    os.killpg(part.process.pid, signal.SIGKILL)
                part.process.wait()
        self._listening.close()

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        """What a command prints, run beside the service. `RuntimeError` when it ends with another code than these."""
        done = subprocess.run(command, capture_output=True, text=True, env=self.environ, cwd=self.folder, check=False)
        if done.returncode not in codes:
            raise RuntimeError(f"{command} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def http(self, tenant: int = 0, *, timeout_s: float = 30) -> httpx.Client:
        """A client with a tenant's key; the caller closes it."""
        headers = {"Authorization": f"Bearer {self.tenants[tenant].key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s, trust_env=False)

    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._redis_socket))

    @property
    def broker_url(self) -> str:
        """As Celery calls it."""
        return f"redis+socket://{self._redis_socket}?virtual_host=0"

    @cached_property
    def database(self) -> reading.Database:
        return reading.database(self.settings, self.data_dir)

    @cached_property
    def files(self) -> reading.Files:
        return reading.files(self.settings, self.data_dir)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the database itself, read-only."""
        return self.database.rows(sql, *values)

    def wait_ready(self) -> None:
        """Until web and workers answer."""
        with httpx.Client(base_url=self.url, timeout=10, trust_env=False) as client:
            self.wait(lambda: _is_ready(client, workers=self.parts["worker-1"].is_wanted), "the service is not ready")

    def wait(self, is_so: Callable[[], object], what: str, *, limit_s: float = START_LIMIT_S) -> None:
        end = time.monotonic() + limit_s
        while not is_so():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} after {limit_s:.0f} s; see the logs in {self.folder}")
            time.sleep(0.05)

    @cached_property
    def _redis_socket(self) -> Path:
        return self.folder / "redis.sock"

    def _redis_command(self) -> list[str]:
        self.settings = {**self.settings, "REDIS_URL": f"unix://{self._redis_socket}"}
        return redis_server.command(
            redis_server.find_binary(), folder=self.folder / "redis", socket_path=self._redis_socket
        )


def _part(kind: str, *arguments: str, number: int = 0, fds: tuple[int, ...] = ()) -> Part:
    return Part(f"{kind}-{number}" if number else kind, [*QUIRE, kind, *arguments], fds=fds)


def _is_ready(client: httpx.Client, *, workers: bool) -> bool:
    with suppress(httpx.TransportError):
        answer = client.get("/readyz")
        return answer.is_success and (not workers or answer.json()["parts"]["workers"] == "ok")
    return False
