"""Ties a process to the life of its parent, so that nothing is left behind when the parent is killed.

As a script it ties itself, then becomes the command: `python tether.py PARENT_PID COMMAND…`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""linux/prctl.h: the signal to get when the parent dies. It survives exec, but no fork."""


def tie_to(parent_pid: int) -> None:
    """Die by SIGKILL with the parent; at once when it is dead already. Where there is no Linux, do nothing."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def tied(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` tied to this process."""
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), *command]


if __name__ == "__main__":
    tie_to(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the whole purpose: no shell, our own command line
