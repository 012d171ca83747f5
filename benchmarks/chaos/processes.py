"""Looks at the processes below one of ours, by Linux' /proc."""

from __future__ import annotations

import os
import re
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

PARSER = "quire.backends.sandbox.server"


def descendants(pid: int) -> list[int]:
    """All living processes below this one, nearest first."""
    children = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        if parent := _parent(folder):
            children[parent].append(int(folder.name))
    found = [pid]
    for each in found:
        found += children[each]
    return found[1:]


def pool(pid: int) -> list[int]:
    """The pool processes of a worker: its own children, since below them are parsers, or what is about to be one."""
    return [child for child in descendants(pid) if _parent(Path(f"/proc/{child}")) == pid and not is_parser(child)]


def parsers(pid: int) -> list[int]:
    """The parser processes below a worker, and the children that read a file for them."""
    return [child for child in descendants(pid) if is_parser(child)]


def file_readers(pid: int) -> list[int]:
    """Only those that read a file at this moment."""
    return [child for child in parsers(pid) if _is_of_a_parser(child)]


def parser_processes(pid: int) -> list[int]:
    """Only those that fork the others."""
    return [child for child in parsers(pid) if not _is_of_a_parser(child)]


def is_parser(pid: int) -> bool:
    return PARSER in _read(pid, "cmdline")


def cpu_s(pid: int) -> float:
    """Seconds of the processor that a process has had itself."""
    times = _read(pid, "stat").rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def is_alive(pid: int) -> bool:
    return (_read(pid, "stat").rpartition(")")[2].split() or ["Z"])[0] != "Z"


def send(number: signal.Signals, *pids: int) -> None:
    """To each that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_of_a_parser(pid: int) -> bool:
    parent = _parent(Path(f"/proc/{pid}"))
    return bool(parent) and is_parser(parent)


def _parent(folder: Path) -> int:
    found = re.search(r"^PPid:\s+(\d+)", _read(int(folder.name), "status"), re.MULTILINE)
    return int(found[1]) if found else 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""
