"""Where the lines of a page end a sentence although no full stop does: blank lines, bullets, headings, table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_BULLET = re.compile(r"\s*(?:[•●◦▪‣∙·*–—-]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_OPEN_END = re.compile(
    r"[,;:&/(\[-]\s*$|\b(?:and|or|of|the|a|an|to|in|for|by|with|und|oder|der|die|y|de|et|la)\s*$", re.I
)
_SHORT = 0.65
"""A line shorter than this share of the widest usual line was ended by its author, not by the margin."""


def block_starts(text: str) -> list[int]:
    """Where each paragraph, list item, heading or table row of `text` begins, in order."""
    lines = list(_lines(text))
    if not lines:
        return []
    widths = sorted(end - start for start, end in lines)
    narrow = _SHORT * widths[(len(widths) * 9) // 10]
    starts = [lines[0][0]]
    starts += [second[0] for first, second in pairwise(lines) if _breaks(text, first, second, narrow)]
    return starts


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        if line and not line.isspace():
            yield start, start + len(line)
        start += len(line) + 1


def _breaks(text: str, first: tuple[int, int], second: tuple[int, int], narrow: float) -> bool:
    if text.count("\n", first[1], second[0]) > 1 or _BULLET.match(text, *second):
        return True
    if first[1] - first[0] >= narrow or _OPEN_END.search(text, max(first[0], first[1] - 20), first[1]):
        return False
    return not text[second[0] : second[1]].lstrip()[0].islower()
