"""One child as the worker sees it: what it sends, against the clock, and how it ended."""

from __future__ import annotations

import json
import logging
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from quire.backends.sandbox import messages
from quire.backends.sandbox.deaths import Cause, ParserBug, ParserDied, as_total_output, as_total_timeout, death_of
from quire.backends.sandbox.limits import MIB, Limits
from quire.core.cancellation import Cancellation
from quire.core.types import Page

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

_READ_BYTES = 1 << 18
_REPORT_BYTES = 1024
_END_S = 5
"""The parser process needs a millisecond to kill a child and say so."""


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
        channel: socket.socket,
        status: socket.socket,
        *,
        limits: Limits,
        budget: Budget,
        cancellation: Cancellation | None = None,
    ) -> None:
        self._channel = channel
        self._status = status
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

    def _frame(self) -> bytes:
        """The next frame, whole, within its time and size."""
        began = time.monotonic()
        allowed_s = min(self._limits.page_s, self._budget.seconds)
        try:
            while (frame := self._complete_frame()) is None:
                self._receive(began + allowed_s - time.monotonic())
            return frame
        except TimeoutError:
            if allowed_s < self._limits.page_s:
                raise as_total_timeout(self._limits) from None
            raise ParserDied(Cause.TIMEOUT) from None
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
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._status, select.POLLIN)
        if self._cancellation:
            poll.register(self._cancellation, select.POLLIN)
        ready = {number for number, _ in poll.poll(max(0.0, seconds) * 1000)}
        if not ready:
            raise TimeoutError
        if self._cancellation:
            self._cancellation.check()
        try:
            data = self._channel.recv(_READ_BYTES, 0 if self._channel.fileno() in ready else socket.MSG_DONTWAIT)
        except OSError:
            data = b""
        if not data:
            raise self._death()
        self._received += data

    def _death(self) -> ParserDied:
        try:
            exit_code, peak_bytes = self._exit()
            return death_of(exit_code, peak_bytes=peak_bytes, limits=self._limits)
        except OSError:
            return ParserDied(Cause.KILLED, "the parser process died")

    def _exit(self) -> tuple[int, int]:
        """The child's exit code and most memory in bytes, when it is gone. `OSError` when nobody can tell."""
        self._status.settimeout(_END_S)
        report = json.loads(self._status.recv(_REPORT_BYTES) or b"{}")
        if "exit_code" not in report:
            raise ConnectionError("the parser process died")
        log.debug("parser child ended: %s, peak %d MB", report["exit_code"], report["peak_bytes"] // MIB)
        return report["exit_code"], report["peak_bytes"]


def _checked(check: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    try:
        return check(*args, **options)
    except messages.BadMessage as error:
        raise ParserDied(Cause.CRASH, f"it answered nonsense: {error}") from error
