"""Breaks one call to the outside, the n-th of all that are watched, in each of the ways a call can break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from typing import Any


class How(StrEnum):
    """What the caller meets, and whether what it asked for was done."""

    NOT_DONE = "an error, and nothing was done"
    DONE = "an error, although it was done"
    DIED_BEFORE = "the process died before it was done"
    DIED_AFTER = "the process died after it was done"

    @property
    def is_death(self) -> bool:
        return self in {How.DIED_BEFORE, How.DIED_AFTER}


class Died(BaseException):
    """The end of a process: no `except Exception` sees it, as none sees `kill -9`."""


class Faults:
    """Counts the calls that pass through it, and breaks number `at`, from 1; with 0 it only counts."""

    def __init__(self, *, at: int = 0, how: How = How.NOT_DONE) -> None:
        self._at = at
        self._how = how
        self.calls: list[str] = []
        """The names of all calls so far, in order."""

    @property
    def has_struck(self) -> bool:
        return 0 < self._at <= len(self.calls)

    @contextmanager
    def on(
        self,
        target: object,
        *methods: str,
        error: Callable[[], Exception],
        on_death: Callable[[], object] = lambda: None,
    ) -> Iterator[None]:
        """Watch these methods of one object for the time of the block; `error` makes what the real thing would raise.

        `on_death` does what the end of the process does by itself, such as closing a connection.
        """
        for method in methods:
            name = f"{type(target).__name__}.{method}"
            setattr(target, method, partial(self._call, name, getattr(target, method), error, on_death))
        try:
            yield
        finally:
            for method in methods:
                delattr(target, method)

    def _call(
        self,
        name: str,
        method: Callable[..., Any],
        error: Callable[[], Exception],
        on_death: Callable[[], object],
        *args: object,
        **kwargs: object,
    ) -> Any:
        self.calls.append(name)
        if len(self.calls) != self._at:
            return method(*args, **kwargs)
        if self._how in {How.DONE, How.DIED_AFTER}:
            result = method(*args, **kwargs)
            if hasattr(result, "close"):  # an opened file that no caller will ever hold
                result.close()
        if self._how.is_death:
            on_death()
            raise Died(name)
        raise error()
