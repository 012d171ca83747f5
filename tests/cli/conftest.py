"""A real `quire up`, and commands run as a person runs them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from tests import parts

START_LIMIT_S = 120
QUIRE = [sys.executable, "-m", "quire"]


def environ(folder: Path, **more: str) -> dict[str, str]:
    """What a person's shell holds, without what pytest's holds of Quire."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QUIRE_", "DJANGO_", "PYTEST_"))}
    ours = {"QUIRE_DATA_DIR": str(folder), "QUIRE_EMBEDDER": "hashing", "QUIRE_OCR": "none", **_parts(folder)}
    return {**kept, **ours, **more}


@cache
def _parts(folder: Path) -> dict[str, str]:
    """The same for every process of a folder."""
    return parts.of_service()


@dataclass
class Up:
    """`quire up` on a folder."""

    folder: Path
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    output: Path = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        self.output = self.folder / f"output-{time.monotonic_ns()}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*QUIRE, "up", "--port", str(self.port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environ(self.folder, **self.settings),
                process_group=0,
            )
        wait_until(lambda: "Quire is ready" in self.said or self.process.poll() is not None, limit_s=START_LIMIT_S)
        assert self.process.poll() is None, self.said

    @property
    def said(self) -> str:
        return self.output.read_text()

    def stop(self, by: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(by)
        return self.process.wait(timeout=30)

    def quire(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return quire(self.folder, *arguments, **more)

    def part(self, name: str) -> int | None:
        """The process of a part, if it runs."""
        needle = "redis-server" if name == "redis" else f"quire\0{name}\0"
        for pid in self.processes():
            if needle in _read(pid, "cmdline") and _parent(pid) == self.process.pid:
                return pid
        return None

    def processes(self) -> list[int]:
        """Every living process of this folder, orphans too."""
        mark = f"QUIRE_DATA_DIR={self.folder}\0"
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        # Redis writes its title over its environment; its socket stands in the title.
        of_folder = [pid for pid in pids if mark in _read(pid, "environ") or f"{self.folder}/" in _read(pid, "cmdline")]
        return [pid for pid in of_folder if _state(pid) != "Z"]


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def _state(pid: int) -> str:
    return (_read(pid, "stat").rpartition(")")[2].split() or ["Z"])[0]


def _parent(pid: int) -> int:
    found = re.search(r"^PPid:\s+(\d+)", _read(pid, "status"), re.MULTILINE)
    return int(found[1]) if found else 0


def wait_until(is_so: Callable[[], object], *, limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.1)


def quire(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command as a person runs it."""
    return subprocess.run(
        [*QUIRE, *arguments], capture_output=True, text=True, env=environ(folder, **more), timeout=120, check=False
    )


@pytest.fixture(name="quire", scope="session")
def quire_() -> Callable[..., subprocess.CompletedProcess[str]]:
    return quire


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short, for the socket in it; and so that nothing of a failed test stays, all its processes are ended."""
    with tempfile.TemporaryDirectory(prefix="quire-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Up]:
    """A service that runs while the tests of a module do."""
    service = Up(folder=folder, port=free_port())
    service.start()
    yield service
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=30)
