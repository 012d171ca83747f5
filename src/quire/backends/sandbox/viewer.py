"""The viewer that the web holds: it looks like any other, and opens no file in the web's own process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from quire.backends.sandbox import messages
from quire.backends.sandbox.deaths import OUR_FAULT, ParserDied, as_error
from quire.backends.sandbox.limits import Limits
from quire.backends.sandbox.parser_process import ParserProcess
from quire.backends.sandbox.parser_run import Budget, ParserRun
from quire.core.errors import TransientError
from quire.core.media_types import PDF
from quire.core.pipeline import batches
from quire.core.types import Box, Picture

log = logging.getLogger(__name__)

PAGE_S = 20
"""A person waits."""
MOST_AT_ONCE = 2
"""Children of one process: a browser that scrolls asks for many pages at a time."""
WAIT_S = 30
MOST_MARKS = 500
MOST_PASSAGES = 1_000
"""In one question: with their numbers they must fit into one message to the parser process."""

T = TypeVar("T")


class SandboxedViewer:
    """Follows `core.ports.Viewer`, by another one in the parser process, a child for each page. Safe for threads."""

    media_types = frozenset({PDF})

    def __init__(self, process: ParserProcess, *, limits: Limits) -> None:
        self._process = process
        self._limits = replace(limits, page_s=min(limits.page_s, PAGE_S))
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)

    def warm_up(self) -> None:
        """Start the parser process, which takes a second or two."""
        log.debug("parser process %d is ready to draw", self._process.pid)

    def draw(self, path: Path, *, number: int, width_px: int, marks: Sequence[Box] = ()) -> Picture:
        """Raises `PermanentError` (`parser_timeout`, `parser_memory`, `parser_crash`) and `TransientError`
        (`parser_killed`, `parser_unavailable`, `parser_busy`) too."""
        return self._ask(
            path, "picture", messages.picture_from, number=number, width_px=width_px, marks=marks[:MOST_MARKS]
        )

    def locate(self, path: Path, *, number: int, passages: Sequence[Sequence[tuple[int, int]]]) -> list[list[Box]]:
        """Raises as `draw` does."""
        boxes: list[list[Box]] = []
        for part in batches(passages, MOST_PASSAGES):
            check = partial(messages.boxes_from, count=len(part))
            boxes += self._ask(path, "boxes", check, number=number, passages=part)
        return boxes

    def _ask(self, path: Path, kind: str, check: Callable[[Any], T], **wanted: Any) -> T:
        if not self._room.acquire(timeout=WAIT_S):
            raise TransientError("Too many pages are being drawn at present. Try again soon.", code="parser_busy")
        try:
            with path.open("rb") as file:
                return self._surely(file.fileno(), kind, check, wanted)
        except ParserDied as death:
            raise as_error(death, page=wanted["number"], limits=self._limits) from death
        finally:
            self._room.release()

    def _surely(self, file: int, kind: str, check: Callable[[Any], T], wanted: dict[str, Any]) -> T:
        """Asked for once more when it was not the page that ended the parser."""
        try:
            return self._answer(file, kind, check, wanted)
        except ParserDied as death:
            if death.cause not in OUR_FAULT:
                raise
            return self._answer(file, kind, check, wanted)

    def _answer(self, file: int, kind: str, check: Callable[[Any], T], wanted: dict[str, Any]) -> T:
        budget = Budget(seconds=self._limits.page_s, bytes=self._limits.output_bytes)
        run = ParserRun(self._process.start(file=file, **wanted), limits=self._limits, budget=budget)
        try:
            return run.answer(kind, check)
        finally:
            run.close()
