"""Tesseract through tesserocr: fast and exact on clean scans; needs its language data on the machine."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quire.backends.ocr.ink import fit
from quire.backends.ocr.words import Paragraph, ReadWord, assemble
from quire.core.errors import PermanentError, TransientError
from quire.core.types import OcrResult

_SEARCHED = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
    "/opt/local/share/tessdata",
)
_NO_LANGUAGES = frozenset({"osd", "equ"})
_MAX_DEFAULT_LANGUAGES = 4
"""Each makes a page slower, and similar scripts are taken for one another."""
_MIN_CONFIDENCE = 30
_MIN_PAGE_CONFIDENCE = 45
"""Of 100. Words of a clean scan have 90 and more; marks of a photograph taken for letters stay below 40."""
_MAX_PAGE_MS = 180_000
_WORD_LEVEL = "5"


class TesseractEngine:
    """Follows `OcrEngine`. Safe for threads, which wait for each other."""

    def __init__(self, *, tessdata: str | None = None, languages: str = "") -> None:
        """`languages` as Tesseract writes them, `eng+deu`; by default what is installed, English first, at most four.

        Raises `PermanentError` (`ocr_unavailable`) when there is no data for them.
        """
        # Read when the OpenMP library is loaded: four threads on one page are slower than one.
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")
        try:
            import tesserocr
        except ImportError as error:
            raise PermanentError("The package tesserocr is not installed.", code="ocr_unavailable") from error
        folder = find_tessdata(tessdata)
        self._languages = languages or "+".join(installed_languages(folder)[:_MAX_DEFAULT_LANGUAGES])
        missing = set(self._languages.split("+")) - set(installed_languages(folder))
        if missing:
            raise PermanentError(f"Tesseract has no data for {', '.join(sorted(missing))}.", code="ocr_unavailable")
        self._lock = threading.Lock()
        self._api: Any = tesserocr.PyTessBaseAPI(path=str(folder), lang=self._languages, psm=tesserocr.PSM.AUTO)
        self.id = f"tesseract-{tesserocr.PyTessBaseAPI.Version()}-{self._languages}"

    def read(self, image: NDArray[np.uint8], *, dpi: int) -> OcrResult:
        height, width = image.shape
        with self._lock:
            self._api.SetImageBytes(np.ascontiguousarray(image).tobytes(), width, height, 1, width)
            self._api.SetSourceResolution(dpi)
            try:
                if not self._api.Recognize(_MAX_PAGE_MS):
                    raise TransientError("OCR of a page took too long.", code="ocr_timeout")
                table = self._api.GetTSVText(0)
            finally:
                self._api.Clear()
        fitted = ([[fit(image, word) for word in line] for line in paragraph] for paragraph in _paragraphs(table))
        return assemble(fitted, width=width, height=height)


def find_tessdata(stated: str | None = None) -> Path:
    """The folder that holds Tesseract's language data. Raises `PermanentError` (`ocr_unavailable`)."""
    wanted = stated or os.environ.get("TESSDATA_PREFIX", "")
    folders = [Path(wanted), Path(wanted) / "tessdata"] if wanted else []
    if not stated:
        for pattern in _SEARCHED:
            folders += sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    for folder in folders:
        if installed_languages(folder):
            return folder
    raise PermanentError(
        "Tesseract's language data was not found. Install it (Debian: tesseract-ocr-eng) or set TESSDATA_PREFIX.",
        code="ocr_unavailable",
    )


def installed_languages(folder: Path) -> list[str]:
    """English first, then by name; no scripts, no helpers."""
    names = {file.name.removesuffix(".traineddata") for file in folder.glob("*.traineddata")} - _NO_LANGUAGES
    return sorted(names, key=lambda name: (name != "eng", name))


def _paragraphs(table: str) -> Iterator[Paragraph]:
    rows = [row for row in csv.reader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) == 12]
    words = [row for row in rows if row[0] == _WORD_LEVEL and row[11].strip()]
    if not words or _mean_confidence(words) < _MIN_PAGE_CONFIDENCE:
        return
    kept = [row for row in words if float(row[10]) >= _MIN_CONFIDENCE]
    for _, paragraph in groupby(kept, key=lambda row: row[1:4]):
        yield [[_word(row) for row in line] for _, line in groupby(paragraph, key=lambda row: row[4])]


def _mean_confidence(words: list[list[str]]) -> float:
    """By the character, so that a speck counts less than a word."""
    return sum(float(row[10]) * len(row[11]) for row in words) / sum(len(row[11]) for row in words)


def _word(row: list[str]) -> ReadWord:
    left, top, width, height = map(int, row[6:10])
    return ReadWord(row[11], left, top, left + width, top + height)
