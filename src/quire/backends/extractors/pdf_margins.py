"""Lines of a PDF's page that stand apart at its upper or lower edge: running heads and feet, perhaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from quire.backends.extractors.pdf_line import Line

_BAND = 0.16
"""Of the page's height: LaTeX sets a running head as far in as that."""
_MOST_LINES = 4
_LARGER = 1.12
"""Times the body's size: a title, also one that comes again on every slide, is larger than that."""
_SMALLER = 0.95
_GAP = 2.2
"""Times the usual step between baselines: more than a blank line, so that a first stanza or a table's head is no head
of the page."""
_GAP_OF_SMALLER = 1.3
_ENDS_OF_PROSE = (".", ",", ";", "!", "?")


class EdgeLine(NamedTuple):
    """`text[start:end]` of the raw text; `place`: its baseline, as a fraction of the page's height from the top."""

    start: int
    end: int
    place: float
    is_apart: bool


def edge_lines(
    text: str, lines: Sequence[Line], *, bottom: float, top: float, body: float, pitch: float
) -> Iterator[EdgeLine]:
    """Those set apart from the body at both edges of a page that reaches from `bottom` to `top`, in points; and the
    outermost one if it holds a number, since a foot may stand close to the body.

    `body` is the usual size of its letters, `pitch` the usual step between baselines (0 when there is none).
    """
    upright = [line for line in lines if line.is_upright]
    for sign, edge in ((-1, top), (1, bottom)):
        ordered = sorted(upright, key=lambda line: sign * line.baseline)
        band = _BAND * (top - bottom)
        within = _outer(ordered[: _MOST_LINES + 1], edge, band, body, pitch)
        for index, line in enumerate(ordered[: max(within, 1)]):
            words = text[line.start : line.end].rstrip()
            is_apart = index < within and not (line.size >= _SMALLER * body and words.endswith(_ENDS_OF_PROSE))
            is_numbered = index == 0 and abs(line.baseline - edge) <= band and any(map(str.isdigit, words))
            if (is_apart or is_numbered) and line.size <= _LARGER * body and line.baseline == line.end_baseline:
                yield EdgeLine(line.start, line.end, round((top - line.baseline) / (top - bottom), 4), is_apart)


def _outer(ordered: Sequence[Line], edge: float, band: float, body: float, pitch: float) -> int:
    """How many of the outermost lines lie beyond the last wide gap inside the band."""
    within = 0
    for index, (line, after) in enumerate(pairwise(ordered), start=1):
        if abs(line.baseline - edge) > band:
            break
        factor = _GAP_OF_SMALLER if line.size < _SMALLER * body else _GAP
        if abs(line.baseline - after.baseline) > factor * max(pitch, line.size):
            within = index
    return within
