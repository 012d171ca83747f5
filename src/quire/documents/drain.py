"""A worker that is asked to stop hands unfinished work back: at the next saved batch, with no mark against it."""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)
"""One byte of memory shared with every process that is forked later: a worker's pool hears of it without a signal."""


def begin() -> None:
    """From now on no work is begun or carried on here, or in any process forked from here."""
    _flag[0] = 1


def end() -> None:
    """Work again."""
    _flag[0] = 0


def is_begun() -> bool:
    return bool(_flag[0])
