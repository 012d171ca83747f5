"""What each process must have of its own: connections cannot be shared over a fork."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Makes its value when it is first asked for in a process, and closes it when nobody can ask any more."""

    def __init__(self, make: Callable[[], T], *, close: Callable[[T], None]) -> None:
        self._make = make
        self._close = close
        self._making = threading.Lock()
        self._held: tuple[int, T] | None = None

    def get(self) -> T:
        """Safe in threads."""
        with self._making:
            if self._held is None or self._held[0] != os.getpid():
                value = self._make()
                weakref.finalize(self, self._close, value)
                self._held = os.getpid(), value
            return self._held[1]
