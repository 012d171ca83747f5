"""Packs sentences into chunks: whole ones, up to a number of tokens, with a small overlap, each under its headings.

pages → units (a sentence, or a part of one that is too long) → chunks
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from quire.core.types import Chunk, Heading, Page, Span

Splitter = Callable[[str], list[tuple[int, int]]]
"""The sentences of a text as `(start, end)`, in order; nothing but white space lies between them."""

_WIDEST_TOKEN = 32
"""A longer token (a tokenizer takes a whole line of base64 for one unknown word) counts once for each 32 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is never cut: `text[start:end]` of a page, at most one chunk long."""

    page: int
    start: int
    end: int
    tokens: int
    path: tuple[str, ...] = ()
    begins_section: bool = False
    stretch: int = 0
    """Units of a page between which there is text that is no content (a running head) are of different stretches."""


def span_text(spans: Iterable[Span], pages: Mapping[int, str]) -> str:
    """The text of a chunk with these spans, as `Chunk` defines it; `pages` holds each page's text by number."""
    by_page = groupby(spans, key=lambda span: span.page)
    return "\n".join("".join(pages[page][span.start : span.end] for span in group) for page, group in by_page)


def token_starts(offsets: Sequence[tuple[int, int]], length: int) -> list[int]:
    """Where the tokens of a text of `length` characters begin, none wider than `_WIDEST_TOKEN`."""
    starts: list[int] = []
    for start, following in pairwise([0, *(start for start, end in offsets if end > start), length]):
        starts.extend(range(start, following, _WIDEST_TOKEN))
    return starts


def page_units(
    page: Page,
    *,
    sentences: Iterable[tuple[int, int]],
    tokens: Sequence[int],
    limit_tokens: int,
    path: tuple[Heading, ...] = (),
    breaks: Sequence[int] = (),
) -> Iterator[Unit]:
    """The units of one page in order, each under its headings; `path` are those in force where the page begins.

    At `breaks`, in order, a stretch of text begins between which and the one before something was left out.
    """
    headings = sorted(page.headings)
    for start, end in _split_at(sentences, [heading.start for heading in headings]):
        begins_section = False
        while headings and headings[0].start < end:
            path = under(path, headings.pop(0))
            begins_section = True
        names = tuple(heading.text for heading in path)
        for left, right in _pieces(page.text, start, end, tokens, limit_tokens):
            yield Unit(
                page=page.number,
                start=left,
                end=right,
                tokens=bisect_left(tokens, right) - bisect_left(tokens, left),
                path=names,
                begins_section=begins_section,
                stretch=bisect_right(breaks, left),
            )
            begins_section = False


def under(path: tuple[Heading, ...], heading: Heading) -> tuple[Heading, ...]:
    """The headings in force after `heading`: it ends those of its own level and deeper."""
    return (*(outer for outer in path if outer.level < heading.level), heading)


def _split_at(sentences: Iterable[tuple[int, int]], cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut sentences where a heading begins inside one."""
    for start, end in sentences:
        inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
        yield from pairwise([start, *dict.fromkeys(inner), end])


def _pieces(text: str, start: int, end: int, tokens: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """`start..end` in parts of at most `limit` tokens, each without white space around, none empty."""
    first = bisect_left(tokens, start)
    last = bisect_left(tokens, end)
    while last - first > limit:
        first = _border(text, tokens, first, first + limit)
        yield from _stripped(text, start, tokens[first])
        start = tokens[first]
    yield from _stripped(text, start, end)


def _border(text: str, tokens: Sequence[int], first: int, last: int) -> int:
    """The token to cut before: one that begins a line, else a word, in the last half; else the last one."""
    for border in ("\n", " "):
        for index in range(last, (first + last) // 2, -1):
            if border in text[tokens[index - 1] + 1 : tokens[index]] + text[tokens[index] - 1]:
                return index
    return last


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    if stripped := part.strip():
        start += len(part) - len(part.lstrip())
        yield start, start + len(stripped)


class Packer:
    """Collects units and gives back full chunks."""

    def __init__(self, *, limit_tokens: int, overlap_tokens: int) -> None:
        self._limit_tokens = limit_tokens
        self._overlap_tokens = overlap_tokens
        self._small_tokens = limit_tokens // 4
        self._ordinal = 0
        self._units: list[Unit] = []
        self._tokens = 0
        self._repeated = 0
        self._pages: dict[int, str] = {}

    def add(self, unit: Unit, *, page_text: str) -> Iterator[Chunk]:
        """Take the next unit, of the page with `page_text`; gives the chunk that it completes, if any."""
        if unit.begins_section and self._tokens >= self._small_tokens:
            yield from self.flush()
        elif self._units and self._tokens + unit.tokens > self._limit_tokens:
            yield from self.flush(keep=self._tail(self._limit_tokens - unit.tokens))
        self._pages[unit.page] = page_text
        self._units.append(unit)
        self._tokens += unit.tokens

    def flush(self, *, keep: Sequence[Unit] = ()) -> Iterator[Chunk]:
        """The chunk of what is left, if that holds anything new; the next one begins by repeating `keep`."""
        if len(self._units) > self._repeated:
            yield self._chunk()
            self._ordinal += 1
        self._units, self._repeated = list(keep), len(keep)
        self._tokens = sum(unit.tokens for unit in keep)
        self._pages = {unit.page: self._pages[unit.page] for unit in keep}

    def _tail(self, room: int) -> list[Unit]:
        """The last units that fit into the overlap and into `room`, but never all of them."""
        tail: list[Unit] = []
        room = min(room, self._overlap_tokens)
        for unit in reversed(self._units[1:]):
            room -= unit.tokens
            if room < 0:
                break
            tail.insert(0, unit)
        return tail

    def _chunk(self) -> Chunk:
        spans = tuple(self._spans())
        paths: Counter[tuple[str, ...]] = Counter()
        for unit in self._units[self._repeated :]:
            paths[unit.path] += unit.tokens
        return Chunk(
            ordinal=self._ordinal,
            text=span_text(spans, self._pages),
            spans=spans,
            tokens=self._tokens,
            heading_path=paths.most_common(1)[0][0],
        )

    def _spans(self) -> Iterator[Span]:
        """One a stretch; white space after a stretch parts it from the next of its page."""
        groups = [list(units) for _, units in groupby(self._units, key=lambda unit: (unit.page, unit.stretch))]
        for group, after in zip(groups, [*groups[1:], None], strict=True):
            page, end = group[0].page, group[-1].end
            if after and after[0].page == page:
                rest = self._pages[page][end : after[0].start]
                end += len(rest) - len(rest.lstrip())
            yield Span(page, group[0].start, end)
