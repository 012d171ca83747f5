"""Where paragraphs end and headings begin on a PDF's page, told from baselines, sizes and weights of its lines."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium_c

from quire.backends.extractors.pdf_line import Line
from quire.backends.extractors.pdf_margins import EdgeLine, edge_lines
from quire.backends.extractors.pdf_text import RawText

_LINE = re.compile(r"[^\r\n]*[^\s][^\r\n]*")
_PARAGRAPH_PITCH = 1.35
"""A step to the next baseline this many times the page's usual one ends a paragraph."""
_SAME_LINE = 0.6
"""Of the font size: a smaller step of the baseline is a superscript, not a new line."""
_LEVELS = ((1.7, 1), (1.3, 2), (1.15, 3))
"""Heading level by size over the body's."""
_BOLD_LEVEL = 4
_BOLD_WEIGHT = 600
_MAX_HEADING_CHARS = 150
_MAX_HEADING_LINES = 3
_MAX_BODY_SIZE = 13.0
"""Points. On a page of large letters only (a title page) these are no body text."""
_MAX_LINES = 2000
"""A page with more lines is a drawing or a bomb, and is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypographicHeading:
    """`raw.text[start:end]`, perhaps of several lines, looks like a heading."""

    start: int
    end: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the geometry of one page shows."""

    paragraph_ends: frozenset[int] = frozenset()
    """Indices of line breaks in the raw text that end a paragraph."""
    false_ends: frozenset[int] = frozenset()
    """Line breaks that PDFium sees where a superscript moves the baseline: the line goes on."""
    headings: tuple[TypographicHeading, ...] = ()
    edges: tuple[EdgeLine, ...] = ()
    """Lines set apart at the upper and the lower edge."""


def read_layout(text_page: pypdfium2.PdfTextPage, raw: RawText) -> Layout:
    """Empty for a page whose lines do not run from left to right on upright paper."""
    lines = _read_lines(text_page, raw)
    if not lines or sum(line.is_upright for line in lines) < 0.8 * len(lines):
        return Layout()
    pitch = _usual_pitch(lines)
    gaps = _wide_gaps(lines, pitch)
    body = _body_size(lines)
    _, bottom, _, top = text_page.page.get_bbox()
    return Layout(
        paragraph_ends=frozenset(lines[index].end for index in gaps),
        false_ends=frozenset(above.end for above, below in pairwise(lines) if _goes_on(above, below)),
        headings=tuple(_headings(raw.text, lines, gaps, body)),
        edges=tuple(edge_lines(raw.text, lines, bottom=bottom, top=max(top, bottom + 1), body=body, pitch=pitch)),
    )


def _read_lines(text_page: pypdfium2.PdfTextPage, raw: RawText) -> list[Line]:
    matrix, x, y = pdfium_c.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    end_x, end_y = ctypes.c_double(), ctypes.c_double()
    lines: list[Line] = []
    for found in _LINE.finditer(raw.text):
        if len(lines) == _MAX_LINES:
            return []
        start, end = found.span()
        first = raw.sources[start + len(found.group()) - len(found.group().lstrip())]
        last = raw.sources[start + len(found.group().rstrip()) - 1]
        pdfium_c.FPDFText_GetMatrix(text_page, first, matrix)
        pdfium_c.FPDFText_GetCharOrigin(text_page, last, end_x, end_y)
        pdfium_c.FPDFText_GetCharOrigin(text_page, first, x, y)
        size = pdfium_c.FPDFText_GetFontSize(text_page, first) * math.hypot(matrix.c, matrix.d)
        is_bold = _is_bold(text_page, first) and _is_bold(text_page, last)
        is_upright = matrix.a > 0 and abs(matrix.b) < 0.1 * matrix.a
        lines.append(
            Line(
                start=start,
                end=end,
                size=round(size * 2) / 2,
                x=x.value,
                baseline=y.value,
                end_x=end_x.value,
                end_baseline=end_y.value,
                is_bold=is_bold,
                is_upright=is_upright,
            )
        )
    return lines


def _is_bold(text_page: pypdfium2.PdfTextPage, index: int) -> bool:
    return bool(pdfium_c.FPDFText_GetFontWeight(text_page, index) >= _BOLD_WEIGHT)


def _pitches(lines: Sequence[Line]) -> list[float]:
    return [above.end_baseline - below.baseline for above, below in pairwise(lines)]


def _usual_pitch(lines: Sequence[Line]) -> float:
    """The step from a baseline to the next within a paragraph; 0 when no two lines follow each other."""
    plain = sorted(
        pitch for pitch, line in zip(_pitches(lines), lines, strict=False) if 0.8 * line.size < pitch < 4 * line.size
    )
    return plain[len(plain) // 3] if plain else 0.0


def _wide_gaps(lines: Sequence[Line], usual: float) -> frozenset[int]:
    """Indices of lines after which a paragraph ends; a step upwards is a new column, where a paragraph may go on."""
    return frozenset(
        index
        for index, pitch in enumerate(_pitches(lines))
        if pitch > _PARAGRAPH_PITCH * max(usual, min(lines[index].size, lines[index + 1].size))
    )


def _body_size(lines: Sequence[Line]) -> float:
    """The size of most characters."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += line.end - line.start
    return min(sizes.most_common(1)[0][0], _MAX_BODY_SIZE) or 1.0


def _goes_on(line: Line, after: Line) -> bool:
    return abs(line.end_baseline - after.baseline) < _SAME_LINE * max(line.size, after.size) and after.x > line.end_x


def _headings(text: str, lines: Sequence[Line], gaps: frozenset[int], body: float) -> Iterator[TypographicHeading]:
    bold_chars = sum((line.end - line.start) * line.is_bold for line in lines)
    bold_counts = bold_chars < 0.3 * sum(line.end - line.start for line in lines)
    index = 0
    while index < len(lines):
        level = _level(lines[index], body, is_bold_special=bold_counts)
        last = index
        while level and last + 1 < len(lines) and _continues(lines[last], lines[last + 1]):
            last += 1
        heading = TypographicHeading(start=lines[index].start, end=lines[last].end, level=level)
        stands_alone = level < _BOLD_LEVEL or index == 0 or index - 1 in gaps
        if level and stands_alone and last - index < _MAX_HEADING_LINES and _reads_as_heading(text, heading):
            yield heading
        index = last + 1


def _level(line: Line, body: float, *, is_bold_special: bool) -> int:
    """0 for a line that is no heading."""
    for ratio, level in _LEVELS:
        if line.size >= ratio * body:
            return level
    return _BOLD_LEVEL if is_bold_special and line.is_bold and line.size >= 0.95 * body else 0


def _continues(line: Line, after: Line) -> bool:
    """The next line belongs to the same heading."""
    pitch = line.end_baseline - after.baseline
    return after.size == line.size and after.is_bold == line.is_bold and 0 < pitch < 1.6 * line.size


def _reads_as_heading(text: str, heading: TypographicHeading) -> bool:
    words = text[heading.start : heading.end].strip()
    letters = sum(character.isalpha() for character in words)
    if len(words) > _MAX_HEADING_CHARS or letters < 3 or letters < 0.5 * len(words.replace(" ", "")):
        return False
    return heading.level < _BOLD_LEVEL or (not words[0].islower() and words[-1] not in ".,;")
