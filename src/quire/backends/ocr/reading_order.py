"""The reading order of lines found on a picture: columns of prose one after another, tables and receipts row by row.

The page is cut into bands of lines that share some height; neighbouring bands whose gutters agree form one segment. In
a segment whose columns all look like prose each column is read to its end, else rows are read across.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from quire.backends.ocr.words import ReadWord

_GUTTER = 0.7
"""In line heights: the least gap between columns."""
_PROSE_LINES = 3
_PROSE_WIDTH = 8.0
"""In line heights: narrower lines are cells of a table."""
_PARAGRAPH_GAP = 0.9
_SAME_ROW = 0.5

Row = list[ReadWord]


def paragraphs_in_order(lines: Sequence[ReadWord]) -> list[list[Row]]:
    """Paragraphs of rows of lines; each line as an engine found it."""
    if not lines:
        return []
    line_height = median(line.bottom - line.top for line in lines)
    paragraphs: list[list[Row]] = []
    for column in _columns_in_order(lines, line_height):
        rows = _rows(column)
        paragraphs.append(rows[:1])
        for above, below in pairwise(rows):
            if min(line.top for line in below) - max(line.bottom for line in above) > _PARAGRAPH_GAP * line_height:
                paragraphs.append([])
            paragraphs[-1].append(below)
    return paragraphs


def _columns_in_order(lines: Sequence[ReadWord], line_height: float) -> list[list[ReadWord]]:
    columns: list[list[ReadWord]] = []
    for segment in _segments(lines, line_height):
        found = _split(segment, line_height)
        columns += found if all(_is_prose(column, line_height) for column in found) else [segment]
    return columns


def _segments(lines: Sequence[ReadWord], line_height: float) -> list[list[ReadWord]]:
    """Bands are joined as long as no line of one stands in a gutter of the other."""
    segments: list[list[ReadWord]] = []
    for band in _bands(lines):
        if segments:
            joined = _split(segments[-1] + band, line_height)
            if all(_keeps_gutters(_split(part, line_height), joined) for part in (segments[-1], band)):
                segments[-1] = segments[-1] + band
                continue
        segments.append(band)
    return segments


def _keeps_gutters(columns: Sequence[Sequence[ReadWord]], joined: Sequence[Sequence[ReadWord]]) -> bool:
    return not any(left[0] in column and right[0] in column for left, right in pairwise(columns) for column in joined)


def _bands(lines: Sequence[ReadWord]) -> list[list[ReadWord]]:
    bands: list[list[ReadWord]] = []
    bottom = float("-inf")
    for line in sorted(lines, key=lambda line: line.top):
        # A line's box is taller than its letters, so that touching lines overlap a little.
        if line.top + 0.2 * (line.bottom - line.top) >= bottom:
            bands.append([])
        bands[-1].append(line)
        bottom = max(bottom, line.bottom)
    return bands


def _split(lines: Sequence[ReadWord], line_height: float) -> list[list[ReadWord]]:
    """At every gutter, from left to right."""
    columns: list[list[ReadWord]] = []
    right = float("-inf")
    for line in sorted(lines, key=lambda line: line.left):
        if line.left - right >= _GUTTER * line_height:
            columns.append([])
        columns[-1].append(line)
        right = max(right, line.right)
    return columns


def _is_prose(column: Sequence[ReadWord], line_height: float) -> bool:
    widths = [line.right - line.left for line in column]
    return len(column) >= _PROSE_LINES and median(widths) >= _PROSE_WIDTH * line_height


def _rows(lines: Sequence[ReadWord]) -> list[Row]:
    """Lines side by side, from left to right; rows from the top down."""
    rows: list[Row] = []
    for line in sorted(lines, key=lambda line: (line.top + line.bottom) / 2):
        if rows and _is_beside(rows[-1][0], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]


def _is_beside(line: ReadWord, other: ReadWord) -> bool:
    height = min(line.bottom - line.top, other.bottom - other.top)
    return min(line.bottom, other.bottom) - max(line.top, other.top) > _SAME_ROW * height
