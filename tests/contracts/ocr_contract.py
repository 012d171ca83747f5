"""What every OCR engine promises. A test class for a backend inherits it and gives the `engine` fixture."""

from __future__ import annotations

import difflib
import unicodedata

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from quire.core.ports import OcrEngine
from quire.core.types import OcrResult

LINE = "Galileo saw four moons in January"
DPI = 150


def picture_of(*lines: tuple[int, int, str], width: int = 900, height: int = 120, size: int = 34) -> NDArray[np.uint8]:
    """Black on white; each line as `(left, top, text)`."""
    image = Image.new("L", (width, height), 255)
    for left, top, text in lines:
        ImageDraw.Draw(image).text((left, top), text, font=ImageFont.load_default(size=size), fill=0)
    return np.asarray(image)


class OcrContract:
    @pytest.fixture
    def engine(self) -> OcrEngine:
        raise NotImplementedError

    @pytest.fixture
    def result(self, engine: OcrEngine) -> OcrResult:
        return engine.read(picture_of((40, 30, LINE)), dpi=DPI)

    def test_a_clean_line_is_read(self, result: OcrResult) -> None:
        assert difflib.SequenceMatcher(None, result.text, LINE).ratio() > 0.95

    def test_blank_paper_is_an_empty_result(self, engine: OcrEngine) -> None:
        assert engine.read(np.full((200, 300), 255, np.uint8), dpi=DPI) == OcrResult(text="", words=())

    def test_words_are_those_of_the_text_in_order(self, result: OcrResult) -> None:
        assert [result.text[word.start : word.end] for word in result.words] == result.text.split()
        assert unicodedata.is_normalized("NFC", result.text)

    def test_words_lie_where_the_ink_is(self, result: OcrResult) -> None:
        ink = np.argwhere(picture_of((40, 30, LINE)) < 128)
        top, left = ink.min(axis=0) / (120, 900)
        bottom, right = ink.max(axis=0) / (120, 900)
        for word in result.words:
            assert left - 0.03 <= word.box.left < word.box.right <= right + 0.03
            assert top - 0.15 <= word.box.top < word.box.bottom <= bottom + 0.15

    def test_the_same_picture_is_read_the_same_again(self, engine: OcrEngine, result: OcrResult) -> None:
        again = engine.read(picture_of((40, 30, LINE)), dpi=DPI)
        assert again.text == result.text

    def test_the_id_names_the_engine(self, engine: OcrEngine) -> None:
        assert engine.id
