"""RapidOCR: its models come inside the wheel, so it needs nothing on the machine; slower than Tesseract, and larger."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quire.backends.ocr.ink import fit_line
from quire.backends.ocr.reading_order import paragraphs_in_order
from quire.backends.ocr.words import ReadWord, assemble
from quire.core.errors import PermanentError
from quire.core.types import OcrResult

_MIN_SCORE = 0.5
_SKEWED = 0.3
"""In line heights: how much an end of a line may be higher than the other."""
_OPTIONS = {
    "Global.log_level": "error",
    "Global.use_cls": False,
    "Det.limit_type": "max",
    "Det.limit_side_len": 1216,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
"""No turned lines (`cls`): pages are upright as a rule. Lines are looked for on a picture of at most 1216 pixels: the
default blows small pictures up to 736, and on a page of 200 dpi found the same words in half as much time again."""


class RapidOcrEngine:
    """Follows `OcrEngine`. Models are loaded at the first picture; safe for threads, which wait for each other."""

    def __init__(self) -> None:
        """Raises `PermanentError` (`ocr_unavailable`) when the package is not installed."""
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise PermanentError("The package rapidocr is not installed.", code="ocr_unavailable") from error
        self._lock = threading.Lock()
        self._engine: Any = RapidOCR(params=_OPTIONS)
        self.id = f"rapidocr-{version('rapidocr')}"

    def read(self, image: NDArray[np.uint8], *, dpi: int) -> OcrResult:
        height, width = image.shape
        with self._lock:
            found = self._engine(np.repeat(image[:, :, np.newaxis], 3, axis=2))
        if getattr(found, "txts", None) is None or found.boxes is None:
            return OcrResult(text="", words=())
        corners = {
            _line(text, corners): corners
            for text, corners, score in zip(found.txts, found.boxes, found.scores, strict=True)
            if score >= _MIN_SCORE
        }
        paragraphs = [
            [[word for line in row for word in _fitted(image, line, corners[line])] for row in rows]
            for rows in paragraphs_in_order(list(corners))
        ]
        return assemble(paragraphs, width=width, height=height)


def _line(text: str, corners: NDArray[np.float32]) -> ReadWord:
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    return ReadWord(text, left, top, right, bottom)


def _fitted(image: NDArray[np.uint8], line: ReadWord, corners: NDArray[np.float32]) -> list[ReadWord]:
    """The line's words. Where it is skewed its box holds parts of other lines, and each word is looked for at its place
    along the line's upper and lower edge."""
    words = list(_words(line))
    (left, top), (right, far_top), _, (_, bottom) = corners.tolist()
    rise = far_top - top
    if abs(rise) < _SKEWED * (bottom - top):
        return fit_line(image, line, words)
    slope = rise / max(right - left, 1.0)
    fitted: list[ReadWord] = []
    for word in words:
        step = slope * ((word.left + word.right) / 2 - left)
        place = word._replace(top=top + step, bottom=bottom + step)
        fitted += fit_line(image, place, [place])
    return fitted


def _words(line: ReadWord) -> Iterator[ReadWord]:
    """The line's box, divided by how wide its characters usually are."""
    total = sum(map(_width, line.text)) or 1.0
    scale = (line.right - line.left) / total
    at = line.left
    for piece in line.text.replace(" ", "\0 \0").split("\0"):
        end = at + scale * sum(map(_width, piece))
        if piece.strip():
            yield ReadWord(piece, at, line.top, end, line.bottom)
        at = end


def _width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 2.0
    if character in " .,:;'|!ijlIt()[]":
        return 0.5
    return 1.3 if character.isupper() else 1.0
