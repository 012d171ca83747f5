"""Words that stand side by side have one box together, so that a passage is boxed line by line."""

from __future__ import annotations

from collections.abc import Iterable

from quire.core.types import Box

MIN_OVERLAP = 0.5
"""Boxes that share this much of the smaller one's height are on one line."""
MAX_GAP = 1.5
"""In line heights: a wider gap (a column's gutter) begins a new box."""


def line_boxes(words: Iterable[Box], *, ratio: float) -> list[Box]:
    """One box a line of words in reading order. `ratio` is the page's width in its heights."""
    lines: list[Box] = []
    for word in words:
        if lines and _is_beside(lines[-1], word, ratio):
            line = lines.pop()
            left, top = min(line.left, word.left), min(line.top, word.top)
            word = Box(left, top, max(line.right, word.right), max(line.bottom, word.bottom))
        lines.append(word)
    return lines


def _is_beside(line: Box, word: Box, ratio: float) -> bool:
    heights = line.bottom - line.top, word.bottom - word.top
    overlap = min(line.bottom, word.bottom) - max(line.top, word.top)
    gap = max(word.left - line.right, line.left - word.right) * ratio
    return overlap >= MIN_OVERLAP * min(heights) and gap <= MAX_GAP * max(heights)
