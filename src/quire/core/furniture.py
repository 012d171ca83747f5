"""Which lines of a page are no content: running heads, running feet, page numbers.

An extractor says which lines stand apart at a page's edges (`Page.margins`). Those that come again at the same place of
pages nearby, and number on with them, are furniture. A page waits for the four after it; of those before only the
margins are kept.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from quire.core.types import Page

PAGES_AROUND = 4
"""On each side: enough for heads of left and right pages that take turns."""
_SAME_PLACE = 0.006
"""Of the page's height: 5 points of A4."""
_OTHERS = 2
"""Pages nearby on which a line must come again; a page number that counts on needs only one."""
_SHARED_LETTERS = 8
"""A head may begin or end with the chapter's name, and share with others only as much as this."""
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_PAGE_WORDS = frozenset(
    ["page", "seite", "página", "pagina", "p", "pg", "s", "of", "von", "de", "sur", "页", "第", "页码"]
)
_ROMAN = re.compile(r"(?=.)x{0,4}(?:ix|iv|v?i{0,3})")

Range = tuple[int, int]
Token = str | int


class _Line(NamedTuple):
    page: int
    start: int
    end: int
    place: float
    is_apart: bool
    tokens: tuple[Token, ...]

    @property
    def is_numbering(self) -> bool:
        """Nothing but numbers, and words such as "page"."""
        return any(isinstance(token, int) for token in self.tokens) and all(
            isinstance(token, int) or token in _PAGE_WORDS for token in self.tokens
        )


def with_furniture(pages: Iterable[Page]) -> Iterator[tuple[Page, tuple[Range, ...]]]:
    """Each page in order, with the parts `text[start:end]` of it that are no content, in order."""
    before: deque[list[_Line]] = deque(maxlen=PAGES_AROUND)
    waiting: deque[tuple[Page, list[_Line]]] = deque()
    for page in pages:
        waiting.append((page, _lines(page)))
        if len(waiting) > PAGES_AROUND:
            yield _decided(waiting, before)
    while waiting:
        yield _decided(waiting, before)


def content(text: str, furniture: Sequence[Range]) -> Iterator[Range]:
    """What lies between the furniture, as far as it holds more than white space."""
    at = 0
    for start, end in (*furniture, (len(text), len(text))):
        if text[at:start].strip():
            yield at, start
        at = end


def _decided(waiting: deque[tuple[Page, list[_Line]]], before: deque[list[_Line]]) -> tuple[Page, tuple[Range, ...]]:
    page, lines = waiting.popleft()
    nearby = [*before, *(others for _, others in waiting)]
    before.append(lines)
    found = [line for line in lines if _is_furniture(line, nearby)]
    if not any(content(page.text, _ranges(found))):  # nothing else is on the page, and this is what it says
        found = [line for line in found if line.is_apart]
    return page, _ranges(found)


def _ranges(lines: Iterable[_Line]) -> tuple[Range, ...]:
    return tuple(sorted((line.start, line.end) for line in lines))


def _lines(page: Page) -> list[_Line]:
    found = []
    for start, end, place, is_apart in page.margins:
        text = page.text[start:end]
        if tokens := _tokens(text, page):
            found.append(_Line(page.number, start, end, place, is_apart, tokens))
    return found


def _tokens(text: str, page: Page) -> tuple[Token, ...]:
    """Words in small letters, and numbers; a lone Roman number, or the page's printed label, as a number too."""
    words = _TOKEN.findall(text.casefold())
    if len(words) == 1 and _ROMAN.fullmatch(words[0]):
        return (_roman(words[0]),)
    return tuple(int(word[:9]) if word.isdecimal() else word for word in words)


def _roman(word: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10}[letter] for letter in word]
    return sum(-value if value < max(values[index:]) else value for index, value in enumerate(values))


def _is_furniture(line: _Line, nearby: Sequence[Sequence[_Line]]) -> bool:
    alike = sum(any(_is_alike(line, other) for other in others) for others in nearby)
    return alike >= (1 if line.is_numbering and line.is_apart else _OTHERS)


def _is_alike(line: _Line, other: _Line) -> bool:
    if abs(line.place - other.place) > _SAME_PLACE:
        return False
    apart = other.page - line.page
    if _follows(line.tokens, other.tokens, apart):
        return line.tokens != other.tokens or (line.is_apart and not line.is_numbering)
    return line.is_apart and line.place < 0.5 and _shares_an_end(line.tokens, other.tokens)


def _follows(tokens: Sequence[Token], others: Sequence[Token], apart: int) -> bool:
    """The same, but for a number that counts on with the pages."""
    return len(tokens) == len(others) and all(
        token == other or (isinstance(token, int) and isinstance(other, int) and other - token == apart)
        for token, other in zip(tokens, others, strict=True)
    )


def _shares_an_end(tokens: Sequence[Token], others: Sequence[Token]) -> bool:
    """Two words or more, long enough, at the beginning or the end: the book's name beside the chapter's."""
    for one, two in ((tokens, others), (tokens[::-1], others[::-1])):
        shared = [str(token) for token, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False))]
        if len(shared) >= 2 and len("".join(shared)) >= _SHARED_LETTERS:
            return True
    return False
