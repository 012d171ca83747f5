"""What one file may cost, and how the child of the parser process is held to it."""

from __future__ import annotations

import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
_TRIES = 2
"""Of each page."""
_CPU_PER_WALL = 2
"""CPU seconds allowed for each second of `page_s`: only for the time when nobody looks at the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for one file. Time runs by the worker's clock, and only while it waits for the parser."""

    memory_bytes: int = 1536 * MIB
    """Address space beyond what the warm parser process maps already. RapidOCR needs about 1.4 GB."""
    page_s: float = 120
    """For opening the file, and again for each page."""
    total_s: float = 6 * 3600
    answer_s: float = 10
    """For the parser process to begin with a file, or to end one, which takes it a millisecond unless it hangs."""
    page_bytes: int = 8 * MIB
    """Of one page with its headings and words, as JSON."""
    output_bytes: int = 512 * MIB
    """Of all pages."""
    bad_pages: int = 3
    """Pages that may end a parser, twice each, and be left out with a warning; one more fails the document."""
    written_bytes: int = 0
    """Of a file that a parser writes. None of ours writes any."""
    open_files: int = 64
    processes: int = 256
    """More than the user has when the parser process starts. Root is exempt: see `seccomp`."""

    @property
    def lost_s(self) -> float:
        """For parsers that end before they are done: what is still read of a file that spends more is left."""
        return _TRIES * self.page_s * (self.bad_pages + 1)


def hold_to(limits: Limits, *, base_processes: int) -> None:
    """Lower the limits of this process, a child of the parser process, for good."""
    _lower(resource.RLIMIT_AS, _mapped_bytes() + limits.memory_bytes)
    _lower(resource.RLIMIT_FSIZE, limits.written_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_NPROC, base_processes + limits.processes)
    _lower(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    renew_cpu(limits)
    # When the machine runs out of memory, this process is the one to lose.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def renew_cpu(limits: Limits) -> None:
    """Allow CPU time for one more page: ends a loop even while the worker itself is stopped."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + _CPU_PER_WALL * limits.page_s) + 1, hard))


def count_processes(uid: int) -> int:
    """Processes of a user, as far as they can be seen."""
    return sum(1 for folder in Path("/proc").glob("[0-9]*") if _owner(folder) == uid)


def _owner(folder: Path) -> int:
    try:
        return folder.stat().st_uid
    except OSError:
        return -1


def _lower(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _mapped_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
