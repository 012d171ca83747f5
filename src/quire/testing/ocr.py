"""An OCR engine that reads what it is told to."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quire.core.types import Box, OcrResult, Word

_INK = 128


class FakeOcrEngine:
    """Follows `OcrEngine`. Gives `texts` one after another, the last one again and again; nothing for white paper."""

    id = "fake-ocr"

    def __init__(self, *, texts: Sequence[str] = ("Read by OCR.",)) -> None:
        self._texts = tuple(texts)
        self.pictures: list[tuple[tuple[int, ...], int]] = []
        """Shape and dpi of each picture that was read."""

    def read(self, image: NDArray[np.uint8], *, dpi: int) -> OcrResult:
        self.pictures.append((image.shape, dpi))
        if image.min() >= _INK:
            return OcrResult(text="", words=())
        text = self._texts[min(len(self.pictures), len(self._texts)) - 1]
        ink = np.argwhere(image < _INK)
        (top, left), (bottom, right) = ink.min(axis=0) / image.shape, (ink.max(axis=0) + 1) / image.shape
        box = Box(float(left), float(top), float(right), float(bottom))
        words = tuple(Word(found.start(), found.end(), box) for found in re.finditer(r"\S+", text))
        return OcrResult(text=text, words=words)
