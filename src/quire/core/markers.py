"""Finds the citations that a model writes into its text: `[2]`, `[1, 3]`, `[2: "words copied from the passage"]`.

    [2: "The moon pulls"]        one marker, one `Cited(2, "The moon pulls")`
    [1, 3]                       one marker, two without words
    [1: "the                     not whole yet: the next piece of the stream may end it
    [1 August]                   none

Read by hand, since an expression for it takes exponential time on text made to that end.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_QUOTED_CHARS = 600
MAX_NUMBERS = 12


class Cited(NamedTuple):
    """A passage's number, and the words that the model says it copied from there; empty when it gave none."""

    number: int
    words: str


class Marker(NamedTuple):
    """`text[start:end]`, the white space before it included, cites these."""

    start: int
    end: int
    space: str
    cited: tuple[Cited, ...]


def markers(text: str, *, is_last: bool = False) -> tuple[list[Marker], int]:
    """The whole markers, in order, and from where on `text` may be the beginning of one.

    With `is_last` nothing follows: a quote that was never closed ends where the text ends, or its bracket.
    """
    found: list[Marker] = []
    at = 0
    while begun := _OPENING.search(text, at):
        marker = _read(text, begun, is_last=is_last)
        if isinstance(marker, _Unfinished):
            return found, len(text) if is_last else begun.start()
        if marker is not None:
            found.append(marker)
        at = marker.end if marker else begun.end()
    space = None if is_last else _SPACE_AT_END.search(text, at)
    return found, space.start() if space else len(text)


class _Unfinished:
    """The text ended before it was clear what it is."""


_UNFINISHED = _Unfinished()
_OPENING = re.compile(r"([ \t]{0,8})\[")
_SPACE_AT_END = re.compile(r"[ \t]{0,8}\Z")
_NUMBER = re.compile(r"\s{0,3}(\d{1,4})\s{0,3}")
_BEFORE_WORDS = re.compile(r"[,;:]?\s{0,3}")
_QUOTE = "\"“”„«»‘’'"
_QUOTE_END = re.compile(rf"[{_QUOTE}]\s{{0,3}}(?=\]|[,;]\s{{0,3}}\d{{1,4}}\s{{0,3}}[:\]])")
_BARE_WORDS = re.compile(rf"[^\]\[{_QUOTE}\n]{{1,{MAX_QUOTED_CHARS}}}")


def _read(text: str, begun: re.Match[str], *, is_last: bool) -> Marker | _Unfinished | None:
    """The marker that opens at `begun`; None when it is none."""
    at = begun.end()
    cited: list[Cited] = []
    while len(cited) < MAX_NUMBERS:
        number = _NUMBER.match(text, at)
        if number is None:
            return None if text[at:].strip() or len(text) - at > 3 else _UNFINISHED
        read = _words(text, number.end(), is_last=is_last)
        if not isinstance(read, tuple):
            return read
        words, at = read
        cited.append(Cited(int(number[1]), words))
        if text[at : at + 1] == "]" or (is_last and words and at == len(text)):
            return Marker(begun.start(), min(at + 1, len(text)), begun[1], tuple(cited))
        if at == len(text):
            return _UNFINISHED
        if text[at] in ",;":
            at += 1
        elif not text[at - 1].isspace():
            return None
    return None


def _words(text: str, after: int, *, is_last: bool) -> tuple[str, int] | _Unfinished | None:
    """The words given with a number that ends at `after`, and where they end: at a bracket or a separator."""
    before = _BEFORE_WORDS.match(text, after)
    at = before.end() if before else after
    if text[at : at + 1] in {*_QUOTE}:
        return _quoted(text, at + 1, is_last=is_last)
    if text[after : after + 1] != ":":
        return "", after
    bare = _BARE_WORDS.match(text, at)
    if at == len(text) or (bare and bare.end() == len(text)):
        return _UNFINISHED
    return (bare[0], bare.end()) if bare and text[bare.end()] == "]" else None


def _quoted(text: str, at: int, *, is_last: bool) -> tuple[str, int] | _Unfinished | None:
    """The words from `at` to the quotation mark that closes them."""
    if end := _QUOTE_END.search(text, at, at + MAX_QUOTED_CHARS):
        return text[at : end.start()], end.end()
    if len(text) - at >= MAX_QUOTED_CHARS:
        return None
    if not is_last:
        return _UNFINISHED
    closed = text.find("]", at)
    until = closed if closed >= 0 else len(text)
    return text[at:until].rstrip(_QUOTE + " "), until
