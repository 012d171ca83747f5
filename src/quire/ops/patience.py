"""Asks a part that may take long, and does not wait longer than an answer is worth."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Patience:
    """One question at a time: while nobody has answered the last one, the next is not asked."""

    def __init__(self, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._asking: threading.Thread | None = None

    def ask(self, question: Callable[[], object]) -> None:
        """Return when it is answered. Raises what it raises, and `TimeoutError` when that takes too long.

        It is asked in a thread of its own, which has no database connection of the caller's.
        """
        if self._asking and self._asking.is_alive():
            raise TimeoutError("it has not yet answered the last time")
        errors: list[Exception] = []

        def run() -> None:
            try:
                question()
            except Exception as error:  # noqa: BLE001 - the caller's to judge
                errors.append(error)

        self._asking = threading.Thread(target=run, name="patience", daemon=True)
        self._asking.start()
        self._asking.join(self._limit_s)
        if self._asking.is_alive():
            raise TimeoutError(f"it has not answered within {self._limit_s:g} s")
        for error in errors:
            raise error
