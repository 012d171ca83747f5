"""Boxes of characters and pictures of pages, on pages turned and cut."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.backends.raw_pdf import line, raw_pdf

from quire.backends.extractors.pdf import PdfExtractor
from quire.backends.extractors.pdf_geometry import char_boxes
from quire.backends.extractors.pdf_render import render_page
from quire.core.errors import PermanentError
from quire.core.types import Box

PAGES = {
    "plain": "/MediaBox[0 0 400 300]",
    "moved": "/MediaBox[-100 -50 300 250]",
    "cropped": "/MediaBox[0 0 400 300]/CropBox[20 40 380 290]",
    "turned right": "/MediaBox[0 0 400 300]/Rotate 90",
    "upside down": "/MediaBox[0 0 400 300]/Rotate 180",
    "turned left and cropped": "/MediaBox[0 0 400 300]/CropBox[20 40 380 290]/Rotate 270",
}
CONTENT = line("Two words", x=60, y=200) + line("and more", x=60, y=100)


@pytest.fixture(params=PAGES.values(), ids=PAGES.keys())
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "file.pdf"
    path.write_bytes(raw_pdf(CONTENT, page=request.param))
    return path


def ink(path: Path, box: Box | None = None) -> int:
    """Dark pixels of the page, or in a box on it."""
    picture = np.asarray(Image.open(io.BytesIO(render_page(path, page_number=1, width_px=800).content)).convert("L"))
    height, width = picture.shape
    if box:
        top, bottom = int(box.top * height), round(box.bottom * height)
        picture = picture[top:bottom, int(box.left * width) : round(box.right * width)]
    return int(np.count_nonzero(picture < 128))


def test_boxes_hold_all_the_ink_of_their_line_and_of_no_other(path: Path) -> None:
    with PdfExtractor(ocr=None).open(path) as extraction:
        (page,) = extraction.pages()
    boxes = char_boxes(path, page_number=1, passages=[[(run.source, run.source + run.length) for run in page.runs]])[0]
    assert len(boxes) == 2
    assert all(0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1 for box in boxes)
    inked = [ink(path, box) for box in boxes]
    assert sum(inked) >= 0.99 * ink(path)
    assert min(inked) > 0.3 * ink(path)


def test_part_of_a_line_has_a_smaller_box_inside_the_line(path: Path) -> None:
    [whole], [part] = char_boxes(path, page_number=1, passages=[[(0, 9)], [(4, 9)]])
    assert whole.left <= part.left < part.right <= whole.right
    assert whole.top <= part.top < part.bottom <= whole.bottom
    assert 0.5 * ink(path, whole) < ink(path, part) < 0.8 * ink(path, whole)


def test_columns_get_boxes_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "columns.pdf"
    path.write_bytes(raw_pdf(line("left", x=20) + line("right", x=300)))
    assert [len(boxes) for boxes in char_boxes(path, page_number=1, passages=[[(0, 20)]])] == [2]


def test_spans_beyond_the_text_have_no_boxes(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(raw_pdf(line("short")))
    assert char_boxes(path, page_number=1, passages=[[(50, 60), (3, 3), (-5, 0)], []]) == [[], []]


def test_a_page_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(raw_pdf(line("short")))
    for number in (0, 2):
        with pytest.raises(PermanentError, match="has no page"):
            render_page(path, page_number=number, width_px=100)


def test_a_picture_is_as_wide_as_asked_and_never_too_large(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(raw_pdf(line("short")))
    assert Image.open(io.BytesIO(render_page(path, page_number=1, width_px=200).content)).size == (200, 150)
    width, height = Image.open(io.BytesIO(render_page(path, page_number=1, width_px=9_000).content)).size
    assert width * height < 25_100_000


@pytest.mark.parametrize("page", ["/MediaBox[0 0 400 300]/Rotate 90", "/MediaBox[0 0 400 300]/CropBox[50 50 250 150]"])
def test_a_page_has_the_shape_of_its_picture_turned_and_cut_as_a_viewer_shows_it(tmp_path: Path, page: str) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(raw_pdf(line("Some words", x=60, y=100), page=page))
    with PdfExtractor(ocr=None).open(path) as extraction:
        (width, height) = next(extraction.pages()).size
    picture = render_page(path, page_number=1, width_px=1000)
    assert width / height == pytest.approx(picture.width_px / picture.height_px, abs=0.002)
