"""The extractor that the worker holds: it looks like any other, and parses nothing in the worker's own process."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self, cast

from quire.backends.sandbox.deaths import (
    NOT_AT_ONCE_THE_FILES,
    OUR_FAULT,
    Cause,
    ParserDied,
    as_error,
    as_warning,
)
from quire.backends.sandbox.limits import Limits
from quire.backends.sandbox.messages import Info
from quire.backends.sandbox.parser_process import ParserProcess
from quire.backends.sandbox.parser_run import Budget, ParserRun
from quire.backends.sandbox.server import Setup
from quire.backends.sandbox.viewer import SandboxedViewer
from quire.core.cancellation import Cancellation
from quire.core.errors import PermanentError
from quire.core.media_types import MARKDOWN, PDF, PDF_PICTURES, SUPPORTED, TEXT
from quire.core.types import Origin, Page

log = logging.getLogger(__name__)

Backend = tuple[str, Mapping[str, Any]]
"""The dotted path of a class or function, and the options it is called with: values that JSON can carry."""


FALLBACKS = {MARKDOWN: TEXT}
"""What a file may be read as when it ends the parser of its own type each time it is opened. The others have nothing
plainer in them that a person would want to read."""
PAGE_FALLBACKS = {PDF: PDF_PICTURES}
"""The same for one page. Only of a PDF is there something else to read: how the page looks."""
_READ_PLAINLY = "From page {number} on this file was read as plain text, marks and all: its own parser failed on it."
_READ_BY_OCR = "Page {number} was read by OCR, from its picture: its text made the parser fail."


class SandboxedExtractor:
    """Follows `Extractor`, by another one in the parser process. Linux only.

    `extractor` is called there with `ocr` and its options; `ocr` is built in the child that first needs it.
    """

    def __init__(
        self,
        *,
        extractor: Backend,
        ocr: Backend | None = None,
        viewer: Backend | None = None,
        media_types: Iterable[str] = SUPPORTED,
        fallbacks: Mapping[str, str] = FALLBACKS,
        page_fallbacks: Mapping[str, str] = PAGE_FALLBACKS,
        limits: Mapping[str, Any] | None = None,
        is_confined: bool = True,
    ) -> None:
        """`limits` are fields of `Limits`, the fallbacks media types by media type. Nothing is started before the first
        file."""
        self.media_types = frozenset(media_types)
        self._fallbacks = fallbacks
        self._page_fallbacks = page_fallbacks if ocr else {}
        self._limits = Limits(**(limits or {}))
        self._cancellation: Cancellation | None = None
        self.process = ParserProcess(
            Setup(
                extractor=(extractor[0], dict(extractor[1])),
                ocr=(ocr[0], dict(ocr[1])) if ocr else None,
                viewer=(viewer[0], dict(viewer[1])) if viewer else None,
                limits=asdict(self._limits),
                is_confined=is_confined,
            )
        )
        self.viewer = SandboxedViewer(self.process, limits=self._limits)
        """Needs a `viewer`, which is called there with its options."""

    @contextmanager
    def open(self, path: Path, *, media_type: str) -> Iterator[SandboxedExtraction]:
        """Raises `PermanentError` (`parser_timeout`, `parser_memory`, `parser_crash`, `parser_output`) too, and
        `TransientError` (`parser_killed`, `parser_starved`, `parser_unavailable`). Leaving the block kills what still
        runs. The file must keep its name so long: PDFium opens it by that, though the parser gets it as a
        descriptor."""
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            extraction = SandboxedExtraction(
                self.process,
                file,
                media_type=media_type,
                fallback=self._fallbacks.get(media_type),
                page_fallback=self._page_fallbacks.get(media_type),
                limits=self._limits,
                cancellation=self._cancellation,
            )
            try:
                extraction.open()
                yield extraction
            finally:
                extraction.close()
        finally:
            os.close(file)

    def until(self, cancellation: Cancellation) -> Self:
        """Over the same parser process; who waits for a child kills it and raises `LeaseLost`. Each child that begins,
        and each that has opened the file, moves the work."""
        extractor = copy.copy(self)
        extractor._cancellation = cancellation
        return extractor

    def warm_up(self) -> None:
        """Start the parser process, which takes a second."""
        log.debug("parser process %d is ready", self.process.pid)

    def close(self) -> None:
        """End the parser process; the next file starts another."""
        self.process.close()


class SandboxedExtraction:
    """One file, read by one child after another: by the next one when a page ended the one before."""

    def __init__(
        self,
        process: ParserProcess,
        file: int,
        *,
        media_type: str,
        fallback: str | None,
        page_fallback: str | None,
        limits: Limits,
        cancellation: Cancellation | None,
    ) -> None:
        self._process = process
        self._file = file
        self._media_type = media_type
        self._fallback = fallback
        self._page_fallback = page_fallback
        self._is_plain = False
        self._limits = limits
        self._cancellation = cancellation
        self._budget = Budget(seconds=limits.total_s, bytes=limits.output_bytes)
        self._run: ParserRun | None = None
        self._is_run_used = False
        self._info = Info(title="", page_count=0)

    @property
    def title(self) -> str:
        return self._info.title

    @property
    def page_count(self) -> int:
        return self._info.page_count

    def open(self) -> None:
        """Wait until a child has opened the file: one that ends its parser goes to a fresh one, its quarantine, and is
        read as its fallback, if it has one, when it ends that too."""
        try:
            self._info = self._opened()
        except ParserDied as death:
            self._fall_back(death)

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        """A page that ends its parser is read once more, by a fresh one that has read no other page: its quarantine.
        One that ends that too is read as its fallback, if it has one, or left out with a warning. One page left out
        more than `Limits.bad_pages` fails the document, as does a file of such pages only."""
        number, tried, bad, lost_s = max(first, 1), 0, 0, 0.0
        is_told = not self._is_plain
        while number <= self.page_count:
            left_s = self._budget.seconds
            try:
                for page in self._fresh_run().pages(first=number, page_count=self.page_count):
                    yield page if is_told else self._said_to_be_plain(page)
                    is_told, number, left_s = True, page.number + 1, self._budget.seconds
                return
            except ParserDied as death:
                log.warning("page %d ended the parser: %s", number, death)
                lost_s += left_s - self._budget.seconds
                if tried != number and death.cause is not Cause.OUTPUT:
                    tried = number
                    continue
                read = self._otherwise_read(number, death)
                bad += read is None
                is_too_bad = lost_s > self._limits.lost_s or bad > self._limits.bad_pages or bad == self.page_count
                if is_too_bad:
                    raise as_error(death, page=number, limits=self._limits) from death
                yield read or self._left_out(number, death)
                number += 1

    def close(self) -> None:
        if self._run:
            self._run.close()
            self._run = None

    def _start(self, media_type: str | None = None) -> Info:
        self.close()
        self._move()
        line = self._process.start(file=self._file, media_type=media_type or self._media_type)
        self._run = ParserRun(line, limits=self._limits, budget=self._budget, cancellation=self._cancellation)
        self._is_run_used = False
        info = self._run.info()
        self._move()
        return info

    def _move(self) -> None:
        """Trying once more is no stall, and there are not many such tries."""
        if self._cancellation:
            self._cancellation.moved()

    def _opened(self) -> Info:
        """By a child, or by another when that one ends of it."""
        try:
            return self._start()
        except ParserDied as death:
            log.warning("opening a file ended the parser: %s", death)
            return self._start()

    def _fall_back(self, death: ParserDied) -> None:
        error = as_error(death, page=0, limits=self._limits)
        if self._fallback is None or death.cause in NOT_AT_ONCE_THE_FILES:
            raise error from death
        self._media_type, self._is_plain = self._fallback, True
        try:
            self._info = self._start()
        except PermanentError:
            raise error from death
        except ParserDied as second:
            if second.cause in NOT_AT_ONCE_THE_FILES:
                error = as_error(second, page=0, limits=self._limits)
            raise error from death

    def _otherwise_read(self, number: int, death: ParserDied) -> Page | None:
        """A page that ended its parser twice, in its fallback's words; None where it has none."""
        if death.cause in OUR_FAULT:
            raise as_error(death, page=number, limits=self._limits) from death
        if self._page_fallback is None or death.cause is Cause.OUTPUT:
            return None
        try:
            self._start(self._page_fallback)
            page = next(self._fresh_run().pages(first=number, page_count=self.page_count))
        except PermanentError:
            return None
        except ParserDied as last:
            log.warning("page %d ended the parser of its fallback: %s", number, last)
            if last.cause in OUR_FAULT:
                raise as_error(last, page=number, limits=self._limits) from last
            return None
        finally:
            self.close()
        said = _READ_BY_OCR.format(number=number)
        return replace(page, warning=f"{said} {page.warning}".strip()) if page.text else None

    def _fresh_run(self) -> ParserRun:
        """A child that has opened the file and was not yet asked for pages."""
        if self._run is None or self._is_run_used:
            try:
                self._opened()
            except ParserDied as death:
                raise as_error(death, page=0, limits=self._limits) from death
        self._is_run_used = True
        return cast(ParserRun, self._run)

    def _said_to_be_plain(self, page: Page) -> Page:
        said = _READ_PLAINLY.format(number=page.number)
        return replace(page, warning=f"{said} {page.warning}".strip())

    def _left_out(self, number: int, death: ParserDied) -> Page:
        warning = as_warning(death, page=number, limits=self._limits)
        return Page(number=number, text="", origin=Origin.TEXT_LAYER, warning=warning)
