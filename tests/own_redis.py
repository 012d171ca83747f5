"""A Redis of a test's own, with the options that it asks for, which it may kill and start again."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from quire.ops.supervisor import redis_server


class OwnRedis:
    """Listens on a unix socket, and on a port of this machine. Its memory is lost with it, as far as `options` say."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.socket = folder / "own.sock"
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        given = {"dir": str(folder), "port": str(self.port), "bind": "127.0.0.1", "unixsocket": str(self.socket)}
        words = {"save": "", **given, **{name.replace("_", "-"): value for name, value in options.items()}}
        self._command = [redis_server.find_binary(), *(word for k, v in words.items() for word in (f"--{k}", v))]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        while not self._is_listening():
            assert self._process.poll() is None, "this Redis does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """At once, as a machine that fails."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def _is_listening(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
