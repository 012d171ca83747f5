"""An extractor that gives the pages it was given, and fails where it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quire.core.types import Origin, Page


class ScriptedExtractor:
    """Pages of text; a page that is an exception is raised, once for each time it stands in `failures`."""

    media_types = frozenset({"text/plain", "application/pdf"})

    def __init__(
        self, pages: Sequence[str], *, title: str = "", failures: dict[int, list[BaseException]] | None = None
    ) -> None:
        self.texts = list(pages)
        self.failures = failures or {}
        self.title = title
        self.page_count = len(self.texts)
        self.read: list[int] = []
        """Numbers of the pages that were asked for, over all runs."""

    @contextmanager
    def open(self, path: Path, *, media_type: str) -> Iterator[ScriptedExtractor]:
        yield self

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        for number, text in enumerate(self.texts[first - 1 :], start=first):
            if self.failures.get(number):
                raise self.failures[number].pop(0)
            self.read.append(number)
            yield Page(number=number, text=text, origin=Origin.TEXT_LAYER)
