"""Pictures of a PDF's pages: grey for OCR, JPEG for people."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from math import ceil
from pathlib import Path

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image, ImageChops

from quire.backends.extractors.pdfium import pdf_page
from quire.core.errors import PermanentError
from quire.core.types import Picture

MAX_PIXELS = 25_000_000
"""About A3 at 300 dpi; a larger page is drawn at a lower resolution."""
MAX_SIDE_PX = 30_000
_POINTS_PER_INCH = 72
_MIN_CONTRAST = 64
_QUALITY = 85
_YELLOW = (255, 233, 120)
_MIN_DARK_PIXELS = 20
"""A full stop of 10-point type has about 30 at 200 dpi."""


def render_page(path: Path, *, page_number: int, width_px: int, marks: Iterable[Sequence[float]] = ()) -> Picture:
    """A page (from 1), as a viewer shows it, `width_px` wide unless that makes more than `MAX_PIXELS`.

    A mark is left, top, right and bottom, in fractions of the page.
    """
    with pdf_page(path, page_number) as page:
        scale = _allowed_scale(page, width_px / max(page.get_width(), 1))
        image = _bitmap(page, scale, is_grey=False).to_pil().convert("RGB")
    for mark in marks:
        _mark(image, *mark)
    out = io.BytesIO()
    # A page of text of 1,200 pixels takes 11 ms and 0.4 MB; PNG 130 ms for the same size, WebP 60 ms for half of it.
    image.save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return Picture(content=out.getvalue(), width_px=image.width, height_px=image.height)


def render_grey(page: pypdfium2.PdfPage, *, dpi: int) -> tuple[NDArray[np.uint8], int]:
    """The page as `(height, width)` greys, and the dpi it was drawn at (less than asked when it is huge).

    Under the PDFium lock; the picture is a copy of its own.
    """
    scale = _allowed_scale(page, dpi / _POINTS_PER_INCH)
    picture = np.array(_bitmap(page, scale, is_grey=True).to_numpy(), dtype=np.uint8)
    return picture.reshape(picture.shape[0], -1), max(1, round(scale * _POINTS_PER_INCH))


def is_blank(picture: NDArray[np.uint8]) -> bool:
    """Nothing, or no more than a speck, stands out from the paper."""
    paper = int(np.median(picture[::7, ::7]))
    if picture.max() - picture.min() < _MIN_CONTRAST:
        return True
    marks = (picture < paper - _MIN_CONTRAST) | (picture > paper + _MIN_CONTRAST)
    return int(np.count_nonzero(marks)) < _MIN_DARK_PIXELS


def _mark(image: Image.Image, left: float, top: float, right: float, bottom: float) -> None:
    """As by a pen that one can see through."""
    width, height = image.size
    place = (int(left * width), int(top * height), ceil(right * width), ceil(bottom * height))
    below = image.crop(place)
    image.paste(ImageChops.multiply(below, Image.new("RGB", below.size, _YELLOW)), place)


def _allowed_scale(page: pypdfium2.PdfPage, scale: float) -> float:
    width, height = page.get_size()
    area, side = width * height * scale**2, max(width, height) * scale
    if area <= 0:
        raise PermanentError("This page has no size.", code="corrupt_file")
    return float(scale * min(1.0, (MAX_PIXELS / area) ** 0.5, MAX_SIDE_PX / side))


def _bitmap(page: pypdfium2.PdfPage, scale: float, *, is_grey: bool) -> pypdfium2.PdfBitmap:
    try:
        return page.render(scale=scale, grayscale=is_grey, may_draw_forms=True)
    except (pypdfium2.PdfiumError, ValueError) as error:
        raise PermanentError("This page cannot be drawn.", code="corrupt_file") from error
