"""Writes what a part prints to a file of its own, and shows a person what they must see of it."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

MAX_BYTES = 10 * 2**20
OLD_FILES = 3
TAIL_LINES = 15

_SERIOUS = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b")
_STARTUP_NOISE = "# "
"""Redis warns of kernel settings in lines with a # before them: they belong into the file only."""


class PartLog:
    """The output of one part, over all its restarts: `<folder>/<part>.log`, cut at 10 MB, three old ones kept."""

    def __init__(self, *, part: str, folder: Path, show: Callable[[str], None], verbose: bool) -> None:
        self._part = part
        self._show = show
        self._verbose = verbose
        self.path = folder / f"{part}.log"
        self._file = RotatingFileHandler(
            self.path, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8", errors="backslashreplace"
        )
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._reader: threading.Thread | None = None

    def follow(self, output: IO[bytes]) -> None:
        """Read `output` to its end, in a thread."""
        self._reader = threading.Thread(target=self._read, args=(output,), name=f"{self._part} log", daemon=True)
        self._reader.start()

    def tail(self) -> str:
        """The last lines, once everything that was printed has been read."""
        if self._reader:
            self._reader.join(timeout=2)
        return "\n".join(self._tail)

    def close(self) -> None:
        if self._reader:
            self._reader.join(timeout=1)
        self._file.close()

    def _read(self, output: IO[bytes]) -> None:
        with output:
            for raw in output:
                self._write(raw.decode(errors="backslashreplace").rstrip())

    def _write(self, line: str) -> None:
        self._tail.append(line)
        self._file.handle(logging.LogRecord(self._part, logging.INFO, "", 0, line, None, None))
        if self._verbose or (_SERIOUS.search(line) and _STARTUP_NOISE not in line):
            self._show(f"{self._part:>10} │ {line}")
