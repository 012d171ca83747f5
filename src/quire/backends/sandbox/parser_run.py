"""One child as the worker sees it: what it sends, against the clock, and how it ended."""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from quire.backends.sandbox import messages
from quire.backends.sandbox.deaths import Cause, ParserBug, ParserDied, as_total_output, as_total_timeout, death_of
from quire.backends.sandbox.limits import MIB, Limits
from quire.backends.sandbox.parser_process import Line
from quire.core.cancellation import Cancellation
from quire.core.types import Page

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

_READ_BYTES = 1 << 18
_REPORT_BYTES = 1024
_STARVED_BELOW = 0.25
"""Of the time that passed: a loop gets more of a processor on any machine that still works."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """What is left for a file, over all of its children."""

    seconds: float
    bytes: int


class ParserRun:
    """A child that parses one file. Close it: it is gone when `close` returns.

    Whatever waits for the child raises `LeaseLost` once `cancellation` is cancelled; closing is still the caller's, so
    that only the thread that works on a file ever ends its child.
    """

    def __init__(
        self,
        line: Line,
        *,
        limits: Limits,
        budget: Budget,
        cancellation: Cancellation | None = None,
    ) -> None:
        self._channel = line.channel
        self._status = line.status
        self._replace_parser = line.replace_parser
        self._pid = 0
        self._limits = limits
        self._budget = budget
        self._cancellation = cancellation
        self._received = bytearray()
        self._is_done = False

    def info(self) -> messages.Info:
        """Wait until the file is open. Raises `ParserDied`, `ParserBug`, and the extractor's own `QuireError`."""
        return self.answer("info", messages.info_from)

    def answer(self, kind: str, check: Callable[[Any], T]) -> T:
        """Wait for a message of this kind, and check it. Raises as `info` does."""
        self._await_child()
        told, content = self._message()
        if told != kind:
            raise ParserDied(Cause.CRASH, "it answered nonsense")
        return _checked(check, content)

    def pages(self, *, first: int, page_count: int) -> Iterator[Page]:
        """Once a run. Raises as `info` does."""
        try:
            self._channel.sendall(messages.HEADER.pack(first))
        except OSError:
            raise self._death() from None
        for number in range(first, page_count + 1):
            kind, content = self._message()
            if kind != "page":
                raise ParserDied(Cause.CRASH, "it left pages out")
            page = _checked(messages.page_from, content, number=number)
            self._is_done = number == page_count
            yield page

    def close(self) -> None:
        """Kill the child and all that it started, and wait until they are gone, unless the last page had come."""
        with self._channel, self._status, suppress(OSError):
            self._status.shutdown(socket.SHUT_WR)
            if not self._is_done:
                self._exit()

    def _message(self) -> tuple[str, Any]:
        kind, content = _checked(messages.parse, self._frame())
        match kind:
            case "error":
                raise _checked(messages.error_from, content)
            case "death" if content in {Cause.MEMORY, Cause.NESTING}:
                raise ParserDied(Cause(content))
            case "bug":
                raise ParserBug(str(content))
        return kind, content

    def _await_child(self) -> None:
        """Until the parser process says which child has the file."""
        try:
            self._poll(self._status, seconds=self._limits.answer_s)
            self._pid = self._report()["pid"]
        except TimeoutError:
            self._replace_parser()
            raise ParserDied(Cause.HUNG, "it began with nothing") from None
        except OSError:
            raise ParserDied(Cause.KILLED, "the parser process died") from None

    def _frame(self) -> bytes:
        """The next frame, whole, within its time and size."""
        began, had_s = time.monotonic(), _cpu_s(self._pid)
        allowed_s = min(self._limits.page_s, self._budget.seconds)
        try:
            while (frame := self._complete_frame()) is None:
                self._receive(began + allowed_s - time.monotonic())
            return frame
        except TimeoutError:
            if allowed_s < self._limits.page_s:
                raise as_total_timeout(self._limits) from None
            is_starved = _cpu_s(self._pid) - had_s < _STARVED_BELOW * allowed_s
            raise ParserDied(Cause.STARVED if is_starved else Cause.TIMEOUT) from None
        finally:
            self._budget.seconds -= time.monotonic() - began

    def _complete_frame(self) -> bytes | None:
        if len(self._received) < messages.HEADER.size:
            return None
        size = messages.HEADER.unpack_from(self._received)[0]
        if size > self._limits.page_bytes:
            raise ParserDied(Cause.OUTPUT)
        end = messages.HEADER.size + size
        if len(self._received) < end:
            return None
        self._budget.bytes -= size
        if self._budget.bytes < 0:
            raise as_total_output(self._limits)
        frame = bytes(self._received[messages.HEADER.size : end])
        del self._received[:end]
        return frame

    def _receive(self, seconds: float) -> None:
        """Take what has come, first of all: the worker itself may have been stopped past the time. `TimeoutError`."""
        ready = self._poll(self._channel, self._status, seconds=seconds)
        try:
            data = self._channel.recv(_READ_BYTES, 0 if self._channel.fileno() in ready else socket.MSG_DONTWAIT)
        except OSError:
            data = b""
        if not data:
            raise self._death()
        self._received += data

    def _poll(self, *sockets: socket.socket, seconds: float) -> set[int]:
        """Which of these, by descriptor, have something to say. `TimeoutError`."""
        poll = select.poll()
        for each in sockets:
            poll.register(each, select.POLLIN)
        if self._cancellation:
            poll.register(self._cancellation, select.POLLIN)
        ready = {number for number, _ in poll.poll(max(0.0, seconds) * 1000)}
        if not ready:
            raise TimeoutError
        if self._cancellation:
            self._cancellation.check()
        return ready

    def _death(self) -> ParserDied:
        try:
            exit_code, peak_bytes = self._exit()
            return death_of(exit_code, peak_bytes=peak_bytes, limits=self._limits)
        except TimeoutError:
            return ParserDied(Cause.HUNG, "it did not say how the child ended")
        except OSError:
            return ParserDied(Cause.KILLED, "the parser process died")

    def _exit(self) -> tuple[int, int]:
        """The child's exit code and most memory in bytes, when it is gone. `OSError` when nobody can tell."""
        self._status.settimeout(self._limits.answer_s)
        try:
            while "exit_code" not in (report := self._report()):
                continue  # that it began, which nobody waited for
        except TimeoutError:
            self._replace_parser()  # nobody else would kill the child
            raise
        log.debug("parser child ended: %s, peak %d MB", report["exit_code"], report["peak_bytes"] // MIB)
        return report["exit_code"], report["peak_bytes"]

    def _report(self) -> dict[str, int]:
        """What the parser process says next. `ConnectionError` when it has gone."""
        report = self._status.recv(_REPORT_BYTES)
        if not report:
            raise ConnectionError("the parser process died")
        return dict(json.loads(report))


def _checked(check: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    try:
        return check(*args, **options)
    except messages.BadMessage as error:
        raise ParserDied(Cause.CRASH, f"it answered nonsense: {error}") from error


def _cpu_s(pid: int) -> float:
    """Seconds of the processor that a process has had; 0 where nobody can tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
