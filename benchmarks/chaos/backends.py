"""Backends that do what a document's own words tell them: an embedder that fails, an extractor that loops or crashes.

A page may begin with `DEED loop`, `DEED hoard` or `DEED segfault`, and a document with `FAULT flaky NAME 2` (two
errors that pass), `FAULT limited NAME 2` (two times a provider says when to come back) or `FAULT hopeless NAME 0`.
A question that begins with `SLOW QUESTION` is not embedded before the file `go` is in the folder of faults; `asked` is
there as soon as somebody waits for it.
"""

from __future__ import annotations

import ctypes
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quire.backends.extractors.by_type import ExtractorByType
from quire.core.errors import RateLimited, TransientError
from quire.core.ports import Extraction, OcrEngine
from quire.core.types import Page, Vectors
from quire.testing.embedder import HashingEmbedder

FAULT = re.compile(r"FAULT (flaky|limited|hopeless) (\w+) (\d+)")
DEED = re.compile(r"DEED (loop|hoard|segfault)")
FAULT_CODE = "provider_down"
LIMIT_S = 1.5
SLOW_S = 60
"""The longest that a slow question waits."""


class FaultyEmbedder(HashingEmbedder):
    """The hashing embedder at a provider's pace, `batch_s` a batch, failing where a text says so.

    How often a document has failed is the size of a file in `folder`, which all processes see.
    """

    def __init__(self, *, batch_s: float, folder: str) -> None:
        super().__init__()
        self._batch_s = batch_s
        self._folder = Path(folder)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        time.sleep(self._batch_s)
        for text in texts:
            if fault := FAULT.search(text):
                self._fail(*fault.groups())
        return super().embed_documents(texts)

    def embed_query(self, text: str) -> Vectors:
        if text.startswith("SLOW QUESTION"):
            self._wait_to_be_let_go()
        return super().embed_query(text)

    def _wait_to_be_let_go(self) -> None:
        self._folder.mkdir(exist_ok=True)
        (self._folder / "asked").touch()
        end = time.monotonic() + SLOW_S
        while not (self._folder / "go").exists() and time.monotonic() < end:
            time.sleep(0.02)

    def _fail(self, kind: str, name: str, times: str) -> None:
        if kind != "hopeless" and self._count(name) > int(times):
            return
        if kind == "limited":
            raise RateLimited("The provider asks to wait.", retry_after_s=LIMIT_S)
        raise TransientError("The provider does not answer.", code=FAULT_CODE)

    def _count(self, name: str) -> int:
        """How often this document has come by, this time included."""
        self._folder.mkdir(exist_ok=True)
        number = os.open(self._folder / name, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        try:
            os.write(number, b".")
            return os.fstat(number).st_size
        finally:
            os.close(number)


class NaughtyExtractor(ExtractorByType):
    """The real extractors, at `page_s` a page more, doing the deeds that pages name."""

    def __init__(self, *, ocr: OcrEngine | None, page_s: float) -> None:
        super().__init__(ocr=ocr)
        self._page_s = page_s

    @contextmanager
    def open(self, path: Path, *, media_type: str) -> Iterator[Extraction]:
        with super().open(path, media_type=media_type) as extraction:
            yield NaughtyExtraction(extraction, page_s=self._page_s)


class NaughtyExtraction:
    def __init__(self, inner: Extraction, *, page_s: float) -> None:
        self._inner = inner
        self._page_s = page_s

    @property
    def title(self) -> str:
        return self._inner.title

    @property
    def page_count(self) -> int:
        return self._inner.page_count

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        for page in self._inner.pages(first=first):
            time.sleep(self._page_s)
            if deed := DEED.search(page.text):
                _do(deed[1])
            yield page


def _do(deed: str) -> None:
    if deed == "segfault":
        ctypes.string_at(0)
    kept = []
    while True:
        if deed == "hoard":
            kept.append(bytearray(2**22))
