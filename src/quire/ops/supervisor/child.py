"""One part of Quire as a process: started, watched, started again when it dies, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from quire.core.errors import PermanentError
from quire.ops.supervisor.logs import PartLog
from quire.ops.supervisor.tether import tied

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_AFTER_S = 60.0
EARLY_S = 10.0
"""Who ends sooner than so many seconds after its start has hardly started at all."""
MAX_EARLY_ENDS = 5
"""Of a part that never lived longer. One that did is started again for ever: what it needs may come back."""
REFUSED = 2
"""The exit code of a part whose settings are wrong: it would end so every time."""
_BEYOND_ITS_CONTROL = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to run: a name for people and log files, a command, and file descriptors that it inherits."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    inherited: Sequence[int] = ()


class Child:
    """A part and its process. Its methods belong to the main thread: a process is tied to the thread that made it."""

    def __init__(
        self,
        part: Part,
        *,
        log: PartLog,
        say: Callable[[str], None],
        first_delay_s: float = FIRST_DELAY_S,
        early_s: float = EARLY_S,
    ) -> None:
        self.part = part
        self.log = log
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at = 0.0
        self._first_delay_s = self._delay_s = first_delay_s
        self._early_s = early_s
        self._early_ends = 0
        self._has_lived = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._process = subprocess.Popen(
            tied(self.part.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.part.environ},
            pass_fds=self.part.inherited,
            process_group=0,  # a Ctrl-C is ours to pass on, in order
        )
        self._started_at = time.monotonic()
        if self._process.stdout:
            self.log.follow(self._process.stdout)

    def tend(self) -> None:
        """Start it again when it died and its delay is over. `PermanentError("part_failed")` when it cannot live."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_again_at:
                self.start()
        elif (code := self._process.poll()) is not None:
            self._has_ended(code, lived_s=now - self._started_at)
        elif now - self._started_at > HEALTHY_AFTER_S:
            self._delay_s = self._first_delay_s

    def terminate(self) -> None:
        """Ask the process to end; its own children are its affair."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait(self, *, until: float) -> bool:
        """Wait for the end, no longer than to the moment `until` of the monotonic clock; False when it still runs."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End the process and all that it started, now."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _has_ended(self, code: int, *, lived_s: float) -> None:
        self.kill()  # what it started must not work beside its successor
        self._has_lived = self._has_lived or lived_s >= self._early_s
        if code not in _BEYOND_ITS_CONTROL:
            self._early_ends += 1
        if code == REFUSED or (self._early_ends >= MAX_EARLY_ENDS and not self._has_lived):
            raise PermanentError(
                f"The {self.part.name} cannot run ({_in_words(code)}); the last lines of {self.log.path}:\n"
                f"{self.log.tail()}",
                code="part_failed",
            )
        self._say(f"The {self.part.name} ended ({_in_words(code)}); it is started again in {self._delay_s:g} s.")
        self._start_again_at = time.monotonic() + self._delay_s
        self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)


def _in_words(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
