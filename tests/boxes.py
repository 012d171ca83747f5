"""Rectangles on a page: those that a browser draws, and those where PDFium itself says that words stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def drawn(sheet: Locator) -> list[Rectangle]:
    """What is boxed on a sheet, in fractions of the page; read at one moment, since the page may be scrolling."""
    found: list[list[float]] = sheet.evaluate(
        """sheet => {
          const whole = sheet.getBoundingClientRect();
          return [...sheet.querySelectorAll(".hit")].map(hit => hit.getBoundingClientRect()).map(box => [
            (box.left - whole.left) / whole.width, (box.top - whole.top) / whole.height,
            (box.right - whole.left) / whole.width, (box.bottom - whole.top) / whole.height])
        }"""
    )
    return [(left, top, right, bottom) for left, top, right, bottom in found]


def pdfium_words(path: Path, number: int) -> list[Rectangle]:
    """The box of each word's ink, in fractions of the page."""
    with pypdfium2.PdfDocument(path) as document:
        text = document[number - 1].get_textpage()
        size = document[number - 1].get_size()
        found = re.finditer(r"\S+", text.get_text_range())
        return [_around([_fraction(text.get_charbox(at), size) for at in range(*word.span())]) for word in found]


def pdfium_lines(path: Path, number: int, quote: str, *, is_ink: bool = False) -> list[Rectangle]:
    """Where the words of a quote stand, a box a line, in fractions of the page: as high as the font, or as its ink."""
    with pypdfium2.PdfDocument(path) as document:
        page = document[number - 1]
        text = page.get_textpage()
        every = text.get_text_range()
        found = re.search(r"\s+".join(map(re.escape, quote.split())), every)
        assert found
        lines: list[list[Rectangle]] = []
        baseline = float("inf")
        for index in range(*found.span()):
            if every[index].isspace():
                continue
            bottom = text.get_charbox(index, loose=True)[1]
            if abs(baseline - bottom) > 3:
                lines.append([])
            baseline = bottom
            lines[-1].append(_fraction(text.get_charbox(index, loose=not is_ink), page.get_size()))
        return [_around(line) for line in lines]


def _fraction(box: Rectangle, size: tuple[float, float]) -> Rectangle:
    """From PDFium's left, bottom, right, top in points."""
    (left, low, right, high), (width, height) = box, size
    return left / width, 1 - high / height, right / width, 1 - low / height


def _around(boxes: list[Rectangle]) -> Rectangle:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Intersection over union."""
    shared = _area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Rectangle) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
