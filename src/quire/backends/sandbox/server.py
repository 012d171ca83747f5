"""The parser process: started fresh, warm, single-threaded; forks a child for each file, and parses no file itself.

Run as `python -m quire.backends.sandbox.server FD`, FD being its end of the control socket. The first message says what
to build (`Setup`); each later one carries three descriptors: the file, the channel for pages, the status socket, on
which it tells which child has the file and, later, how that child ended.
The process ends, and its children with it, when the worker's end of the control socket is closed.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from quire.backends.sandbox import confinement, kernel
from quire.backends.sandbox.child import parse_file, tell, view_page
from quire.backends.sandbox.limits import Limits, count_processes, hold_to
from quire.backends.sandbox.warm_up import warm_up
from quire.core.ports import Extractor, OcrEngine, Viewer
from quire.core.types import OcrResult

MAX_MESSAGE = 65_536
_PRELOADED = ("PIL.Image", "numpy", "pypdfium2", "lxml.etree", "tesserocr")
"""Not rapidocr: onnxruntime starts a thread when it is imported, and a thread does not survive a fork."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the worker wants: dotted paths of extractor, OCR engine and viewer, with their options; bounds."""

    extractor: tuple[str, dict[str, Any]]
    ocr: tuple[str, dict[str, Any]] | None
    limits: dict[str, Any]
    is_confined: bool
    viewer: tuple[str, dict[str, Any]] | None = None

    @property
    def paths(self) -> list[str]:
        """Of all that has to be imported."""
        return [part[0] for part in (self.extractor, self.ocr, self.viewer) if part]


class LazyOcr:
    """Follows `OcrEngine`; builds the engine in the child that first needs it."""

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        self._path = path
        self._options = options
        self._engine: OcrEngine | None = None

    @property
    def id(self) -> str:
        return self._built().id

    def read(self, image: Any, *, dpi: int) -> OcrResult:
        return self._built().read(image, dpi=dpi)

    def _built(self) -> OcrEngine:
        if self._engine is None:
            self._engine = cast(OcrEngine, _imported(self._path)(**self._options))
        return self._engine


@dataclass(slots=True, kw_only=True)
class Child:
    """A file being parsed."""

    pid: int
    pidfd: int
    status: socket.socket


class Server:
    """Forks and reaps."""

    def __init__(self, control: socket.socket, setup: Setup) -> None:
        self._control = control
        self._limits = Limits(**setup.limits)
        self._extractor = _build(setup)
        self._viewer = cast(Viewer, _imported(setup.viewer[0])(**setup.viewer[1])) if setup.viewer else None
        warm_up(self._extractor)
        kernel.adopt_orphans()
        self._confinement = confinement.prepare(packages=_packages(setup)) if setup.is_confined else None
        self._base_processes = count_processes(os.getuid())
        self._children: dict[int, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, None)

    @property
    def hello(self) -> dict[str, Any]:
        """What the worker learns when all is ready."""
        return {"confined_by": self._confinement.names if self._confinement else []}

    def serve(self) -> None:
        is_wanted = True
        while is_wanted:
            key, _ = self._selector.select()[0]  # one at a time: what it leads to may undo the others
            if key.data is None:
                is_wanted = self._accept()
            elif key.fileobj is key.data.status:
                self._dismiss(key.data)
            else:
                self._reap(key.data)
        for child in self._children.values():
            kill_group(child.pid)

    def _accept(self) -> bool:
        """Fork a child for a message; False when the worker has gone."""
        message, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 3)
        if not message:
            return False
        file, channel_fd, status_fd = descriptors
        channel, status = socket.socket(fileno=channel_fd), socket.socket(fileno=status_fd)
        pid = os.fork()
        if pid == 0:
            self._become_child(file, channel, json.loads(message))
        with suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        os.close(file)
        channel.close()
        child = Child(pid=pid, pidfd=os.pidfd_open(pid), status=status)
        self._children[pid] = child
        self._selector.register(child.pidfd, selectors.EVENT_READ, child)
        self._selector.register(status, selectors.EVENT_READ, child)
        _report(status, {"pid": pid})
        return True

    def _become_child(self, file: int, channel: socket.socket, wanted: dict[str, Any]) -> None:
        try:
            os.setpgid(0, 0)
            os.dup2(0, 2)  # libraries complain on standard error; 0 is /dev/null
            kernel.die_with_parent()
            _close_all_but({0, 1, 2, file, channel.fileno()})
            hold_to(self._limits, base_processes=self._base_processes)
            if self._confinement:
                self._confinement.enter(file)
            if "media_type" in wanted:
                parse_file(file=file, channel=channel, extractor=self._extractor, limits=self._limits, **wanted)
            elif self._viewer:
                view_page(file=file, channel=channel, viewer=self._viewer, wanted=wanted)
        except BaseException as error:  # noqa: BLE001 - this copy of the server must end here, whatever happened
            tell(channel, error)
        finally:
            os._exit(0)

    def _dismiss(self, child: Child) -> None:
        """The worker closed the status socket: it wants no more of this file."""
        self._selector.unregister(child.status)
        kill_group(child.pid)

    def _reap(self, child: Child) -> None:
        # Before the wait: until then nobody else can have this number.
        kill_group(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        with suppress(KeyError):
            self._selector.unregister(child.status)
        del self._children[child.pid]
        self._kill_strays()
        with child.status:
            exit_code = os.waitstatus_to_exitcode(status)
            _report(child.status, {"exit_code": exit_code, "peak_bytes": usage.ru_maxrss * 1024})

    def _kill_strays(self) -> None:
        """Kill what a child left behind in a session of its own: orphans come to us, their subreaper."""
        while strays := children_of(os.getpid()) - self._children.keys():
            for pid in strays:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def main() -> int:
    control = socket.socket(fileno=int(sys.argv[1]))
    wanted = control.recv(MAX_MESSAGE)
    if not wanted:
        return 0
    try:
        server = Server(control, Setup(**json.loads(wanted)))
    except Exception as error:  # noqa: BLE001 - the worker shows it, whatever it is
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
        return 1
    gc.collect()
    gc.freeze()  # children then share these pages with us for longer
    control.send(json.dumps(server.hello).encode())
    server.serve()
    return 0


def _build(setup: Setup) -> Extractor:
    for name in _PRELOADED:
        with suppress(ImportError):
            import_module(name)
    path, options = setup.extractor
    ocr = {"ocr": LazyOcr(*setup.ocr) if setup.ocr else None}
    return cast(Extractor, _imported(path)(**ocr, **options))


def _packages(setup: Setup) -> set[str]:
    """Top-level packages that a child may still have to import from."""
    return {path.partition(".")[0] for path in ("quire", *setup.paths)}


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _close_all_but(kept: set[int]) -> None:
    low = 0
    for number in [*sorted(kept), os.sysconf("SC_OPEN_MAX")]:
        if low < number:
            os.closerange(low, number)
        low = number + 1


def _report(status: socket.socket, message: dict[str, int]) -> None:
    """To the worker, if it still listens."""
    with suppress(OSError):
        status.send(json.dumps(message).encode())


def kill_group(pid: int) -> None:
    """Kill a process and the group that it leads."""
    for kill in (os.killpg, os.kill):  # it may not have made its group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def children_of(pid: int) -> set[int]:
    """Empty where nobody can tell."""
    try:
        return {int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return set()


if __name__ == "__main__":
    sys.exit(main())
