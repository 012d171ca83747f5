"""Every OCR engine keeps the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont
from tests.boxes import overlap, pdfium_words
from tests.contracts.ocr_contract import LINE, OcrContract

from quire.backends.extractors.pdf_render import render_grey
from quire.backends.extractors.pdfium import pdf_page
from quire.backends.ocr.rapid import RapidOcrEngine
from quire.backends.ocr.tesseract import TesseractEngine
from quire.core.errors import PermanentError
from quire.core.ports import OcrEngine
from quire.core.types import OcrResult
from quire.testing.files import make_pdf
from quire.testing.ocr import FakeOcrEngine


@pytest.fixture(scope="module")
def tesseract() -> TesseractEngine:
    try:
        return TesseractEngine()
    except PermanentError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def rapid() -> RapidOcrEngine:
    return RapidOcrEngine()


class TestFake(OcrContract):
    @pytest.fixture
    def engine(self) -> OcrEngine:
        return FakeOcrEngine(texts=[LINE])


class TestTesseract(OcrContract):
    @pytest.fixture
    def engine(self, tesseract: TesseractEngine) -> OcrEngine:
        return tesseract

    def test_each_word_lies_where_it_was_drawn(self, result: OcrResult) -> None:
        assert_words_lie_where_drawn(result)


class TestRapidOcr(OcrContract):
    @pytest.fixture
    def engine(self, rapid: RapidOcrEngine) -> OcrEngine:
        return rapid

    def test_each_word_lies_where_it_was_drawn(self, result: OcrResult) -> None:
        assert_words_lie_where_drawn(result)


PRINTED = """The inventory of the harbour office was taken in the spring of 1889 by two clerks who seldom spoke.
Copper sheathing was kept beside the loft. It was sold to the yard at Portsmouth for nine hundred pounds."""


@pytest.mark.parametrize("name", ["tesseract", "rapid"])
def test_the_box_of_each_word_is_that_of_its_ink(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engine: OcrEngine = request.getfixturevalue(name)
    (tmp_path / "printed.pdf").write_bytes(make_pdf([PRINTED]))
    with pdf_page(tmp_path / "printed.pdf", 1) as page:
        picture, dpi = render_grey(page, dpi=200)
    read = engine.read(picture, dpi=dpi)
    assert read.text.split() == PRINTED.split()
    true = pdfium_words(tmp_path / "printed.pdf", 1)
    assert min(overlap(word.box, box) for word, box in zip(read.words, true, strict=True)) >= 0.9


def assert_words_lie_where_drawn(result: OcrResult) -> None:
    """The middle of each word is where it was drawn, to within an average letter."""
    font = ImageFont.load_default(size=34)
    ends = [font.getlength(LINE[: LINE.index(word) + len(word)]) for word in LINE.split()]
    drawn = [(40 + end - font.getlength(word) / 2) / 900 for word, end in zip(LINE.split(), ends, strict=True)]
    middles = [(word.box.left + word.box.right) / 2 for word in result.words]
    np.testing.assert_allclose(middles, drawn, atol=0.02)
