"""What goes wrong, one thing after another, in an order and at a pace that a seed decides."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import redis
from benchmarks.chaos import processes
from benchmarks.chaos.production import Production
from benchmarks.chaos.service import Service
from celery import Celery

TASK = "quire.api.tasks.process_document"
WEIGHTS = {
    "kill a worker with its pool": 6,
    "kill a pool process": 20,
    "kill a parser's child": 16,
    "kill a parser process": 4,
    "stop a parser process": 4,
    "stop a worker past its lease": 8,
    "restart Redis": 8,
    "wipe Redis": 10,
    "kill the web": 3,
    "kill a dispatcher": 10,
    "send messages again": 11,
}
IN_PRODUCTION = {"restart PostgreSQL": 6, "S3 answers 503 for a second": 6}
"""Besides, of the parts that there are."""
REFUSING_S = 1
PAUSE_S = (0.3, 2.0)
START_CPU_S = 2
"""Of the processor: a part that had less is still starting, and is let be. On a busy machine a start takes longer than
the time between two blows, and nothing else would happen for minutes."""
PARSER_STOPPED_S = 30
"""Longer than a worker waits for its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One thing that was done: `pids` are the pool processes that it hit."""

    kind: str
    at: float
    """Seconds since the epoch, as the history has them."""
    pids: tuple[int, ...] = ()


@dataclass
class Mischief:
    """Its methods belong to the thread that the service belongs to."""

    service: Service
    rng: random.Random
    lease_s: float
    sweep_s: float
    production: Production | None = None
    blows: list[Blow] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    """What found nothing to hit."""
    _frozen: list[tuple[float, str, tuple[int, ...]]] = field(default_factory=list)
    _stopped: list[tuple[float, int]] = field(default_factory=list)
    """Parser processes, which their workers should have killed and replaced long before they may go on."""
    _due_at: float = 0.0

    def __post_init__(self) -> None:
        self._sender = Celery("chaos", broker=self.service.broker_url, set_as_current=False)
        self._sender.conf.broker_transport_options = {"max_retries": 0, "socket_connect_timeout": 0.2}
        self._sender.conf.result_backend = "disabled://"
        self._deeds: dict[str, Callable[[], Sequence[int] | None]] = {
            "kill a worker with its pool": self._kill_worker,
            "kill a pool process": self._kill_pool_process,
            "kill a parser's child": lambda: self._kill_parser(processes.file_readers),
            "kill a parser process": lambda: self._kill_parser(processes.parsers),
            "stop a parser process": self._stop_parser,
            "stop a worker past its lease": self._freeze_worker,
            "restart Redis": self._restart_redis,
            "wipe Redis": self._wipe_redis,
            "kill the web": lambda: self._kill("web"),
            "kill a dispatcher": lambda: self._kill(self._one_of("dispatcher")),
            "send messages again": self._send_again,
        }
        if self.production and (postgres := self.production.postgres):
            self._deeds["restart PostgreSQL"] = lambda: _done(postgres.restart)
        if self.production and (bucket := self.production.bucket):
            self._deeds["S3 answers 503 for a second"] = lambda: _done(lambda: bucket.refuse(seconds=REFUSING_S))
        everything = WEIGHTS | IN_PRODUCTION
        self._weights = [everything[kind] for kind in self._deeds]

    def step(self) -> None:
        """Do the next thing if its time has come; let go what was stopped long enough; start again what died."""
        now = time.monotonic()
        if now >= self._due_at:
            kind = self.rng.choices(list(self._deeds), weights=self._weights)[0]
            self._due_at = now + self.rng.uniform(*PAUSE_S)
            at = time.time()
            hit = self._deeds[kind]()
            if hit is None:
                self.missed[kind] += 1
            else:
                self.blows.append(Blow(kind=kind, at=at, pids=tuple(hit)))
        self._thaw(now)
        self.service.tend()

    def end(self) -> None:
        """No more of it; whatever was stopped goes on."""
        self._thaw(float("inf"))
        self.service.tend()

    def _thaw(self, now: float) -> None:
        for frozen in [frozen for frozen in self._frozen if frozen[0] <= now]:
            self._frozen.remove(frozen)
            processes.send(signal.SIGCONT, *frozen[2])
        for stopped in [stopped for stopped in self._stopped if stopped[0] <= now]:
            self._stopped.remove(stopped)
            processes.send(signal.SIGCONT, stopped[1])

    def _kill_worker(self) -> Sequence[int] | None:
        name = self._one_of("worker")
        pids = self._pool(name)
        return None if pids is None else self._kill(name, pids)

    def _kill_pool_process(self) -> Sequence[int] | None:
        pids = self._pool(self._one_of("worker"))
        if not pids:
            return None
        busy = self._busy(pids)
        pid = self.rng.choice(busy or list(pids))
        processes.send(signal.SIGKILL, pid)
        return [pid]

    def _kill_parser(self, choose: Callable[[int], list[int]]) -> Sequence[int] | None:
        for name in self._shuffled("worker"):
            part = self.service.parts[name]
            if part.is_running and (pids := choose(part.pid)):
                processes.send(signal.SIGKILL, self.rng.choice(pids))
                return []
        return None

    def _stop_parser(self) -> Sequence[int] | None:
        """A parser process and none of its children, which then nobody kills, and nobody forks."""
        for name in self._shuffled("worker"):
            part = self.service.parts[name]
            if part.is_running and (pids := processes.parser_processes(part.pid)):
                pid = self.rng.choice(pids)
                processes.send(signal.SIGSTOP, pid)
                self._stopped.append((time.monotonic() + PARSER_STOPPED_S, pid))
                return []
        return None

    def _freeze_worker(self) -> Sequence[int] | None:
        """The worker, its pool and their parsers, all at once, as a laptop that sleeps."""
        if self._frozen:  # one at a time: else all sleep
            return None
        name = self._one_of("worker")
        pids = self._pool(name)
        if not pids:
            return None
        part = self.service.parts[name]
        stopped = (part.pid, *processes.descendants(part.pid))
        processes.send(signal.SIGSTOP, *stopped)
        until = time.monotonic() + self.lease_s + self.sweep_s + self.rng.uniform(0.5, 3)
        self._frozen.append((until, name, stopped))
        return pids

    def _restart_redis(self) -> Sequence[int]:
        self.service.kill("redis")
        time.sleep(self.rng.uniform(0, 1))
        self.service.start("redis")
        return []

    def _wipe_redis(self) -> Sequence[int] | None:
        with suppress(redis.RedisError), self.service.redis() as client:
            client.flushall()
            return []
        return None

    def _send_again(self) -> Sequence[int] | None:
        """Messages of a few runs: waiting, under way, over long ago."""
        columns = "task_id, storage_key, document_id"
        of_late = self.service.rows(f"SELECT {columns} FROM documents_ingestion ORDER BY created_at DESC LIMIT 30")  # noqa: S608 - our own words
        with suppress(Exception):  # Redis may be down just now
            for row in self.rng.sample(of_late, min(4, len(of_late))):
                args = [row["storage_key"], "0", row["document_id"]]
                task_id = f"{row['task_id'][:8]}-{row['task_id'][8:12]}-{row['task_id'][12:16]}-"
                task_id += f"{row['task_id'][16:20]}-{row['task_id'][20:]}"
                self._sender.send_task(TASK, args=args, task_id=task_id, retry=False)
            return []
        return None

    def _kill(self, name: str, pids: Sequence[int] = ()) -> Sequence[int] | None:
        part = self.service.parts[name]
        if not part.is_running or processes.cpu_s(part.pid) < START_CPU_S:
            return None
        self._frozen = [frozen for frozen in self._frozen if frozen[1] != name]
        self.service.kill(name)
        return pids

    def _pool(self, name: str) -> Sequence[int] | None:
        part = self.service.parts[name]
        return processes.pool(part.pid) if part.is_running else None

    def _busy(self, pids: Sequence[int]) -> list[int]:
        """Those that hold a lease."""
        running = self.service.rows("SELECT lease_owner FROM documents_ingestion WHERE status = 'running'")
        owners = {row["lease_owner"].rpartition(":")[2] for row in running}
        return [pid for pid in pids if str(pid) in owners]

    def _one_of(self, kind: str) -> str:
        return self._shuffled(kind)[0]

    def _shuffled(self, kind: str) -> list[str]:
        names = [name for name in self.service.parts if name.startswith(f"{kind}-")]
        return self.rng.sample(names, len(names))


def _done(deed: Callable[[], object]) -> Sequence[int]:
    """It hits no process of Quire's."""
    deed()
    return []
