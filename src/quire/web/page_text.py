"""A page's text as blocks to show: headings and paragraphs, with the words of a citation marked.

Offsets are those of `core.types.Page.text`; blocks cover the text in order, and leave out blank lines only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from quire.core.types import Heading

FULL_LINE = 0.75
"""A line at least this part of the page's longest was broken by its margin, so that a reader may flow it on."""
_CONTENTS = re.compile(r"(?:\.\s?){4,}\s*\S{0,6}$")
"""How a line of a table of contents ends: dots, and a page."""
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Words of a block that are all marked, or all not."""

    text: str
    is_marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, or a heading when `level` is 1 or more."""

    level: int
    pieces: tuple[Piece, ...]


def blocks(text: str, *, headings: Sequence[Heading] = (), mark: tuple[int, int] | None = None) -> list[Block]:
    """What a page shows. `mark` is the half-open range of its text to mark."""
    flowed = _flow(text)
    return [
        Block(level=level, pieces=tuple(_pieces(flowed, start, end, mark)))
        for start, end, level in _ranges(text, headings)
    ]


def find(text: str, quote: str) -> tuple[int, int] | None:
    """Where a quote stands on a page, whatever its line breaks are; None when it does not."""
    if not (words := quote.split()):
        return None
    found = re.search(r"\s+".join(re.escape(word) for word in words), text)
    return found.span() if found else None


def _ranges(text: str, headings: Sequence[Heading]) -> Iterator[tuple[int, int, int]]:
    """`(start, end, level)` of each block, in order."""
    position = 0
    for heading in sorted(headings):
        if heading.start < position:
            continue
        end = _heading_end(text, heading)
        yield from _paragraphs(text, position, heading.start)
        yield heading.start, end, heading.level
        position = end
    yield from _paragraphs(text, position, len(text))


def _heading_end(text: str, heading: Heading) -> int:
    if found := find(text[heading.start :], heading.text):
        return heading.start + found[1] if found[0] == 0 else _line_end(text, heading.start)
    return _line_end(text, heading.start)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    for match in [*_BLANK.finditer(text, start, end), None]:
        stop = match.start() if match else end
        if body := text[start:stop].strip():
            begin = text.index(body, start)
            yield begin, begin + len(body), 0
        if match:
            start = match.end()


def _flow(text: str) -> str:
    """The same length, with the line breaks that only a margin made turned into blanks."""
    lines = text.split("\n")
    full = FULL_LINE * max(map(len, lines))
    joints = [" " if len(line) >= full and _goes_on(line, following) else "\n" for line, following in pairwise(lines)]
    return "".join(chain.from_iterable(zip(lines, [*joints, ""], strict=True)))


def _goes_on(line: str, following: str) -> bool:
    return bool(following.strip()) and not _CONTENTS.search(line)


def _pieces(text: str, start: int, end: int, mark: tuple[int, int] | None) -> Iterator[Piece]:
    low, high = mark or (start, start)
    low = min(max(low, start), end)
    high = min(max(high, low), end)
    for piece_start, piece_end, is_marked in ((start, low, False), (low, high, True), (high, end, False)):
        if piece_start < piece_end:
            yield Piece(text=text[piece_start:piece_end], is_marked=is_marked)
