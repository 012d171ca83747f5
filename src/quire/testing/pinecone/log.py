"""One namespace: writes are acknowledged into a log, in order, and can be found only once they are indexed.

write ──► log, with its number (LSN) ──► indexed, a while later ──► what query, list, fetch and counts see
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is kept under an id; `values` are of the index's dimensions."""

    values: NDArray[np.float32]
    metadata: dict[str, Any]


Records = dict[str, Record]
Write = Callable[[Records], None]
"""Changes the records, as they are once every earlier write has changed them."""


@dataclass(slots=True)
class Namespace:
    """`records` are those that can be found."""

    records: Records = field(default_factory=dict)
    indexed_lsn: int = 0
    _log: list[tuple[float, Write]] = field(default_factory=list)

    @property
    def lsn(self) -> int:
        """The number of the last acknowledged write; they count from 1."""
        return len(self._log)

    def append(self, write: Write) -> int:
        """Acknowledge a write; its number."""
        self._log.append((time.monotonic(), write))
        return len(self._log)

    def catch_up(self, *, after_s: float) -> None:
        """Index what was written so many seconds ago, or earlier."""
        while self.indexed_lsn < len(self._log):
            written_at, write = self._log[self.indexed_lsn]
            if time.monotonic() - written_at < after_s:
                return
            write(self.records)
            self.indexed_lsn += 1
