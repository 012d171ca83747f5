"""Every OCR engine keeps the contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont
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


@pytest.mark.parametrize("name", ["tesseract", "rapid"])
def test_on_a_skewed_page_each_word_is_boxed_on_its_own_line(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    engine: OcrEngine = request.getfixturevalue(name)
    (tmp_path / "printed.pdf").write_bytes(make_pdf([PRINTED]))
    with pdf_page(tmp_path / "printed.pdf", 1) as page:
        picture, dpi = render_grey(page, dpi=200)
    turned = np.array(Image.fromarray(picture).rotate(-SKEW_DEGREES, Image.Resampling.BICUBIC, fillcolor=255))
    read = engine.read(turned, dpi=dpi)
    assert read.text.split() == PRINTED.split()
    size = np.array(picture.shape[::-1])
    true = [middle(box) * size for box in pdfium_words(tmp_path / "printed.pdf", 1)]
    found = [turned_back(middle(word.box) * size, size / 2) for word in read.words]
    assert max(abs(one[1] - other[1]) for one, other in zip(found, true, strict=True)) < LINE_PX / 2
    assert max(word.box.bottom - word.box.top for word in read.words) * size[1] < LINE_PX


SKEW_DEGREES = 1.5
LINE_PX = 36
"""From one line to the next."""


def middle(box: Sequence[float]) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def turned_back(point: NDArray[np.float64], about: NDArray[np.float64]) -> NDArray[np.float64]:
    (x, y), angle = point - about, np.radians(-SKEW_DEGREES)
    return about + np.array([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)])


def assert_words_lie_where_drawn(result: OcrResult) -> None:
    """The middle of each word is where it was drawn, to within an average letter."""
    font = ImageFont.load_default(size=34)
    ends = [font.getlength(LINE[: LINE.index(word) + len(word)]) for word in LINE.split()]
    drawn = [(40 + end - font.getlength(word) / 2) / 900 for word, end in zip(LINE.split(), ends, strict=True)]
    middles = [(word.box.left + word.box.right) / 2 for word in result.words]
    np.testing.assert_allclose(middles, drawn, atol=0.02)
