"""Words that stand side by side have one box together, so that a passage is boxed line by line."""

from __future__ import annotations

from collections.abc import Iterable

from quire.core.types import Box

MIN_OVERLAP = 0.5
"""Boxes that share this much of the smaller one's height are on one line."""
MAX_GAP = 1.5
"""In heights of the taller one: a wider gap (a column's gutter) begins a new box."""
MAX_RISE = 1.5
"""In heights of a line's tallest word: a line that is skewed has several boxes, lest one lie over its neighbours."""


def line_boxes(words: Iterable[Box], *, ratio: float) -> list[Box]:
    """One box a line of words in reading order. `ratio` is the page's width in its heights."""
    lines: list[Box] = []
    tallest = 0.0
    for word in words:
        height = word.bottom - word.top
        if lines and _is_beside(lines[-1], word, ratio):
            both = _around(lines[-1], word)
            if both.bottom - both.top <= MAX_RISE * max(tallest, height):
                lines[-1], tallest = both, max(tallest, height)
                continue
        lines.append(word)
        tallest = height
    return lines


def _is_beside(line: Box, word: Box, ratio: float) -> bool:
    heights = line.bottom - line.top, word.bottom - word.top
    overlap = min(line.bottom, word.bottom) - max(line.top, word.top)
    gap = max(word.left - line.right, line.left - word.right) * ratio
    return overlap >= MIN_OVERLAP * min(heights) and gap <= MAX_GAP * max(heights)


def _around(one: Box, other: Box) -> Box:
    left, top = min(one.left, other.left), min(one.top, other.top)
    return Box(left, top, max(one.right, other.right), max(one.bottom, other.bottom))
