"""How one thread tells another that its work is not wanted any more, even while that one waits for a socket; and how
that one says meanwhile that its work moves."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

from quire.core.errors import LeaseLost


class Cancellation:
    """Of one run; close it when nobody can wait for it any more. Safe for threads; cancelling twice changes nothing."""

    def __init__(self, *, on_move: Callable[[], None] = lambda: None) -> None:
        self.moved = on_move
        """For who works: call it when the work moves, though nothing of it can be saved yet. It never raises."""
        self._told, self._teller = socket.socketpair()
        self._is_cancelled = False

    def cancel(self) -> None:
        self._is_cancelled = True
        self._teller.close()  # wakes every `poll`, now and from now on

    def check(self) -> None:
        """Raise `LeaseLost` once it is cancelled."""
        if self._is_cancelled:
            raise LeaseLost

    def fileno(self) -> int:
        """For `poll`, with POLLIN: ready once it is cancelled."""
        return self._told.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._teller.close()
        self._told.close()
