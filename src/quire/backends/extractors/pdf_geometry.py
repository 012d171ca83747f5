"""Where on a PDF's page given characters stand, for drawing boxes around a citation."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium_c

from quire.backends.extractors.pdfium import pdf_page
from quire.core.types import Box

_MIN_OVERLAP = 0.5
"""Boxes that share this much of the smaller one's height are on one line."""
_MAX_GAP = 1.5
"""In line heights: a wider gap (a column's gutter) begins a new box."""


class _Mark(NamedTuple):
    """A character, or several of one line, in points of the page's own space; `is_vertical`: it runs up or down."""

    left: float
    bottom: float
    right: float
    top: float
    is_vertical: bool


def char_boxes(path: Path, *, page_number: int, passages: Sequence[Sequence[tuple[int, int]]]) -> list[list[Box]]:
    """For each passage one box a line. Its characters are ranges, half-open, of PDFium's list, as in `Run.source`.

    Fractions of the page as a viewer shows it: turned by its own rotation, cut to its crop box.
    """
    with pdf_page(path, page_number) as page:
        text_page = page.get_textpage()
        try:
            return [_boxes(page, text_page, spans) for spans in passages]
        finally:
            text_page.close()


def _boxes(page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, spans: Sequence[tuple[int, int]]) -> list[Box]:
    count = text_page.count_chars()
    marks = [
        mark
        for start, end in spans
        for index in range(max(start, 0), min(end, count))
        if (mark := _char_mark(text_page, index))
    ]
    boxes = [_to_box(page, line) for line in _lines(marks)]
    return [box for box in boxes if box.left < box.right and box.top < box.bottom]


def _char_mark(text_page: pypdfium2.PdfTextPage, index: int) -> _Mark | None:
    """None for characters that take no room, such as line breaks."""
    box = pdfium_c.FS_RECTF()
    if not pdfium_c.FPDFText_GetLooseCharBox(text_page, index, box) or box.left == box.right:
        return None
    is_vertical = abs(math.sin(pdfium_c.FPDFText_GetCharAngle(text_page, index))) > math.sin(math.pi / 4)
    return _Mark(box.left, box.bottom, box.right, box.top, is_vertical)


def _lines(marks: Sequence[_Mark]) -> list[_Mark]:
    lines: list[_Mark] = []
    for mark in marks:
        if lines and _is_same_line(lines[-1], mark):
            last = lines.pop()
            left, bottom = min(last.left, mark.left), min(last.bottom, mark.bottom)
            mark = _Mark(left, bottom, max(last.right, mark.right), max(last.top, mark.top), mark.is_vertical)
        lines.append(mark)
    return lines


def _is_same_line(line: _Mark, mark: _Mark) -> bool:
    if line.is_vertical != mark.is_vertical:
        return False
    if line.is_vertical:
        line, mark = _transposed(line), _transposed(mark)
    height = min(line.top - line.bottom, mark.top - mark.bottom)
    overlap = min(line.top, mark.top) - max(line.bottom, mark.bottom)
    gap = max(mark.left - line.right, line.left - mark.right)
    return overlap >= _MIN_OVERLAP * height and gap <= _MAX_GAP * height


def _transposed(mark: _Mark) -> _Mark:
    return _Mark(mark.bottom, mark.left, mark.top, mark.right, mark.is_vertical)


def _to_box(page: pypdfium2.PdfPage, mark: _Mark) -> Box:
    (x1, y1), (x2, y2) = _to_page(page, mark.left, mark.top), _to_page(page, mark.right, mark.bottom)
    return Box(max(min(x1, x2), 0.0), max(min(y1, y2), 0.0), min(max(x1, x2), 1.0), min(max(y1, y2), 1.0))


def _to_page(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    """A point of the page's own space as fractions of what is shown; PDFium knows about rotation and crop box."""
    grid = 1_000_000
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDF_PageToDevice(page, 0, 0, grid, grid, 0, x, y, across, down)
    return across.value / grid, down.value / grid
