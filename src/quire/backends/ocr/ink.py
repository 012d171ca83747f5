"""Boxes fitted to the ink in them: engines round to whole pixels, or box a line with room around it.

Ink is what differs from the paper around it by half of what its darkest (on dark paper, lightest) pixel does. A pixel
that is half ink counts half, so that an edge is known to a part of a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from quire.backends.ocr.words import ReadWord

_NEAR_PX = 2
"""An edge is looked for no farther from where the engine has it: what lies beyond may be another word's."""
_INK = 0.5
_NOISE = 0.15
_MIN_CONTRAST = 32
_DOT_GAP = 0.35
"""In heights of a line's body: dots and accents stand no farther from it."""
_MAX_DRIFT = 4.0
"""In line heights: how far from where its letters are expected a word may begin."""

Span = tuple[int, int]
"""Half-open."""


def fit(image: NDArray[np.uint8], word: ReadWord) -> ReadWord:
    """The word with the box of its ink; as it was where there is none, or where it touches other ink."""
    height, width = image.shape
    left, top = max(round(word.left), 0), max(round(word.top), 0)
    right, bottom = min(round(word.right), width), min(round(word.bottom), height)
    if left >= right or top >= bottom:
        return word
    x, y = max(left - _NEAR_PX - 1, 0), max(top - _NEAR_PX - 1, 0)
    ink = _ink(image[y : bottom + _NEAR_PX + 1, x : right + _NEAR_PX + 1])
    if ink is None:
        return word
    rows = ink[:, left - x : right - x].max(axis=1)
    columns = ink[top - y : bottom - y].max(axis=0)
    fitted = word._replace(
        left=x + _edge(columns, left - x),
        top=y + _edge(rows, top - y),
        right=x + len(columns) - _edge(columns[::-1], len(columns) - (right - x)),
        bottom=y + len(rows) - _edge(rows[::-1], len(rows) - (bottom - y)),
    )
    return fitted if fitted.left < fitted.right and fitted.top < fitted.bottom else word


def fit_line(image: NDArray[np.uint8], line: ReadWord, words: Sequence[ReadWord]) -> list[ReadWord]:
    """The words of a line whose box has room around it, given where about they should stand in it, each fitted."""
    x, y = max(int(line.left), 0), max(int(line.top), 0)
    ink = _ink(image[y : max(round(line.bottom), y), x : max(round(line.right), x)])
    if ink is None or not words:
        return list(words)
    first, last = _body(ink.max(axis=1) >= _INK)
    marks: NDArray[np.bool_] = ink[first:last] >= _INK
    spans = _split(np.asarray(marks.any(axis=0)), words, x, last - first)
    fitted = []
    for word, (left, right) in zip(words, spans, strict=True):
        rows = np.flatnonzero(marks[:, left:right].any(axis=1))
        if len(rows):
            top, bottom = y + first + int(rows[0]), y + first + int(rows[-1]) + 1
            word = fit(image, ReadWord(word.text, x + left, top, x + right, bottom))
        fitted.append(word)
    return fitted


def _ink(crop: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """How much of each pixel is ink, 0 to 1; None where nothing stands out from the paper."""
    if crop.size == 0:
        return None
    around = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    contrast = np.abs(crop.astype(np.float32) - np.float32(np.median(around)))
    most = float(contrast.max())
    return contrast / np.float32(most) if most >= _MIN_CONTRAST else None


def _edge(profile: NDArray[np.float32], at: int) -> float:
    """Where the ink that begins about `at` begins."""
    start = at
    while start > 0 and at - start < _NEAR_PX and profile[start - 1] >= _INK:
        start -= 1
    while start < min(at + _NEAR_PX, len(profile) - 1) and profile[start] < _INK:
        start += 1
    outside = float(profile[start - 1]) if start > 0 else 0.0
    if profile[start] < _INK or outside >= _INK:
        return float(at)
    return start + 1.0 - float(profile[start]) - (outside if outside > _NOISE else 0.0)


def _body(has_ink: NDArray[np.bool_]) -> Span:
    """The rows of a line itself, with its dots and accents; what is cut off at an edge is of the line beside it."""
    bands = _runs(has_ink)
    if not bands:
        return 0, len(has_ink)
    first, last = body = max(bands, key=lambda band: band[1] - band[0])
    near = _DOT_GAP * (last - first)
    for start, end in bands:
        is_cut = (start == 0 or end == len(has_ink)) and (start, end) != body
        if not is_cut and start - last <= near and first - end <= near:
            first, last = min(first, start), max(last, end)
    return first, last


def _split(has_ink: NDArray[np.bool_], words: Sequence[ReadWord], x: int, height: int) -> list[Span]:
    """The columns of each word: parted at the widest gaps, or, where those are not about where they should be, as
    they were expected."""
    inside = np.flatnonzero(has_ink)
    expected = [(max(round(word.left) - x, 0), max(round(word.right) - x, 1)) for word in words]
    if not len(inside):
        return expected
    start, end = int(inside[0]), int(inside[-1]) + 1
    gaps = [(start + low, start + high) for low, high in _runs(~has_ink[start:end])]
    widest = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[: len(words) - 1])
    edges = [start, *(edge for gap in widest for edge in gap), end]
    found = list(zip(edges[::2], edges[1::2], strict=True))
    is_likely = len(found) == len(words) and all(
        abs(one[0] - other[0]) <= _MAX_DRIFT * height for one, other in zip(found, expected, strict=True)
    )
    return found if is_likely else expected


def _runs(flags: NDArray[np.bool_]) -> list[Span]:
    """Where they are set, from the first to behind the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in pairwise(edges)][::2]
