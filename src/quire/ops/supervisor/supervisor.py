"""Starts the parts in order, tends them until somebody asks to stop, and stops them in order."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from quire.core.errors import PermanentError
from quire.ops.supervisor.child import Child, Part
from quire.ops.supervisor.logs import PartLog

TICK_S = 0.1
GRACE_S = 10.0
"""For all parts together; work that is not finished by then goes on at the next start."""
LAST_GRACE_S = 1.5
"""For a part whose turn comes when the grace is used up: Redis writes its file in less."""


class StopRequested(Exception):
    """Somebody asked to stop while a part was being waited for."""


class Supervisor:
    """The parts that run, in the order they were started in. Its methods belong to the main thread."""

    def __init__(self, *, logs: Path, say: Callable[[str], None], verbose: bool) -> None:
        self._logs = logs
        self._say = say
        self._verbose = verbose
        self._children: list[Child] = []
        self._stop_requests = 0

    @contextmanager
    def listening_to_signals(self) -> Iterator[None]:
        """Within the block Ctrl-C, SIGTERM and a closed terminal ask to stop; the second time, to stop at once."""
        asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in asking}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def start(self, part: Part) -> None:
        log = PartLog(part=part.name, folder=self._logs, show=self._say, verbose=self._verbose)
        child = Child(part, log=log, say=self._say)
        self._children.append(child)
        child.start()

    def wait_until(self, is_ready: Callable[[], bool], *, what: str, limit_s: float) -> None:
        """Tend the parts until `is_ready`. Raises `StopRequested`, or `PermanentError("not_ready")` at the limit."""
        end = time.monotonic() + limit_s
        while not is_ready():
            self._tend()
            if time.monotonic() > end:
                raise PermanentError(f"{what} in {limit_s:.0f} s. See the files in {self._logs}.", code="not_ready")

    def run(self) -> None:
        """Tend the parts until somebody asks to stop."""
        while True:
            try:
                self._tend()
            except StopRequested:
                return

    def stop(self) -> None:
        """Stop the last started first: each is asked, waited for, and killed with all it started."""
        end = time.monotonic() + GRACE_S
        for child in reversed(self._children):
            child.terminate()
            until = max(end, time.monotonic() + LAST_GRACE_S)
            while self._stop_requests < 2 and time.monotonic() < until:
                if child.wait(until=min(until, time.monotonic() + TICK_S)):
                    break
            child.kill()
            child.log.close()
        self._children.clear()

    def _tend(self) -> None:
        if self._stop_requests:
            raise StopRequested
        for child in self._children:
            child.tend()
        time.sleep(TICK_S)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_requests += 1
