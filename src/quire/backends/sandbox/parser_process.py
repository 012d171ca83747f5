"""The worker's handle on its parser process: started on first use, and anew when it died."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from quire.backends.sandbox.server import MAX_MESSAGE, Setup, children_of, kill_group
from quire.core.errors import TransientError

log = logging.getLogger(__name__)

_START_S = 120
"""Imports take a second; a machine that is busy starting everything at once takes many."""
_STOP_S = 2
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TESSDATA_PREFIX", "LD_LIBRARY_PATH")
_ONE_THREAD = {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A library's threads would not survive the fork; and a worker has one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """To one child, and about it."""

    channel: socket.socket
    status: socket.socket
    """Says which child it is and how it ended; closing it kills the child."""
    replace_parser: Callable[[], None]
    """Kill the parser process that should watch over the child, and all of its children: it does not answer."""


class ParserProcess:
    """One parser process for this process. Safe for threads; after a fork the child gets a process of its own."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._lock = threading.Lock()
        self._running: _Running | None = None
        _all.add(self)

    @property
    def pid(self) -> int:
        """Of the running process; it is started when there is none."""
        with self._lock:
            return self._started().process.pid

    @property
    def confined_by(self) -> list[str]:
        """The measures that this machine allows, by name."""
        with self._lock:
            return self._started().confined_by

    def start(self, *, file: int, **wanted: Any) -> Line:
        """Have a child forked for an open file.

        `wanted` is `media_type` for all that is in it, or the arguments of `Viewer.draw` or `.locate` for one page.

        Raises `TransientError` (`parser_unavailable`).
        """
        channel, channel_end = socket.socketpair()
        status, status_end = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with channel_end, status_end:
            try:
                descriptors = [file, channel_end.fileno(), status_end.fileno()]
                running = self._send(json.dumps(wanted).encode(), descriptors)
            except BaseException:
                channel.close()
                status.close()
                raise
        return Line(channel=channel, status=status, replace_parser=partial(self._replace, running))

    def close(self) -> None:
        """End the process and its children. It starts again when it is needed again."""
        with self._lock:
            self._stop()

    def abandon(self) -> None:
        """Forget, in a forked child, the process of the parent, without a word to it."""
        self._lock = threading.Lock()
        running, self._running = self._running, None
        if running:
            running.stop.detach()
            running.control.close()
            running.process.returncode = 0  # it is the parent's to wait for

    def _send(self, message: bytes, descriptors: list[int]) -> _Running:
        """Returns the process that has the message."""
        with self._lock:
            try:
                socket.send_fds(self._started().control, [message], descriptors)
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                log.warning("the parser process had died: starting another")
                self._stop()
                socket.send_fds(self._started().control, [message], descriptors)
            return self._started()

    def _replace(self, running: _Running) -> None:
        """The next file starts another, unless somebody else has noticed already."""
        log.warning("parser process %d does not answer: it is killed", running.process.pid)
        with self._lock:
            if self._running is running:
                self._running = None
        _kill(running.process)
        running.stop()

    def _started(self) -> _Running:
        if self._running is None:
            self._running = _Running(self._setup)
        return self._running

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running:
            running.stop()


class _Running:
    """A process that answered."""

    def __init__(self, setup: Setup) -> None:
        self.control, their_end = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with their_end:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-m", "quire.backends.sandbox.server", str(their_end.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=_environment(os.environ, roots=_import_roots(setup)),
                pass_fds=[their_end.fileno()],
                start_new_session=True,
            )
        self.stop = weakref.finalize(self, _end, self.process, self.control)
        self.confined_by = self._greeting(setup)

    def _greeting(self, setup: Setup) -> list[str]:
        try:
            self.control.settimeout(_START_S)
            self.control.send(json.dumps(asdict(setup)).encode())
            answer = json.loads(self.control.recv(MAX_MESSAGE) or b"{}")
        except OSError as error:
            answer = {"failed": str(error)}
        if "confined_by" not in answer:
            self.stop()
            log.error("the parser process did not start: %s", answer.get("failed", "it ended without a word"))
            raise TransientError("The parser could not be started on our side.", code="parser_unavailable")
        return list(answer["confined_by"])


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With its children: each leads a group of its own, and a process that is stopped ends none of them."""
    if process.poll() is None:
        for pid in (*children_of(process.pid), process.pid):
            kill_group(pid)
        process.wait()


def _environment(environ: Mapping[str, str], *, roots: Sequence[str]) -> dict[str, str]:
    """No secret gets in, because only what is named here does."""
    kept = {name: environ[name] for name in _INHERITED if name in environ}
    return kept | _ONE_THREAD | {"HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join(roots)}


def _import_roots(setup: Setup) -> list[str]:
    """Folders from which the parser process can import what it has to build."""
    roots = []
    for path in ("quire", *setup.paths):
        spec = find_spec(path.partition(".")[0])
        roots += [str(Path(folder).resolve().parent) for folder in (spec and spec.submodule_search_locations) or ()]
    return list(dict.fromkeys(roots))


_all: weakref.WeakSet[ParserProcess] = weakref.WeakSet()


def _abandon_all() -> None:
    for process in list(_all):
        process.abandon()


os.register_at_fork(after_in_child=_abandon_all)
