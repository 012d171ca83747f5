"""Sentence boundaries: spaCy's rules for full stops, ours for lines. Needs no model and no download."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from heapq import merge
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from quire.core.layout import block_starts

if TYPE_CHECKING:
    from spacy.language import Language

_UNSPACED_STOP = re.compile(r"[。！？｡।॥؟]+[”’」』）》)\"']*")
"""Full stops after which no space need follow; spaCy leaves them inside a word."""
_LONG_WORD = re.compile(r"\S{400,}(?=\S)")
"""spaCy takes quadratic time over a word of nothing but brackets, and learns nothing from one of base64."""
_ABBREVIATION = re.compile(
    r"(?:\b(?:figs?|nos?|nr|secs?|eqs?|arts?|abs|vol|pp?|cf|vs|al|d\.h|bzw|hr|dr|mr|st)|\b[A-Z])\.$", re.I
)
_OPENING = re.compile(r"[(\[{«“‘¿¡]+\s*$")
_WINDOW_CHARS = 50_000
"""spaCy sees no more than this at once, so that one page of ten million characters costs no memory."""
_VOCABULARY = 500_000
"""spaCy keeps each new word for ever: a pipeline that has met this many is replaced (0.1 s; 150 MB at most)."""


@cache
def pipeline(language: str) -> Language:
    """The pipeline of `language`, loaded once (0.8 s, 80 MB): call it before a process forks."""
    import spacy  # Slow to import, and the web process may never chunk.

    nlp = spacy.blank(language)
    nlp.add_pipe("sentencizer")
    tokenizer: Any = nlp.tokenizer
    tokenizer.url_match = None  # The ends of sentences need no addresses found, and it costs a sixth.
    return nlp


def sentences(text: str, *, language: str = "en") -> list[tuple[int, int]]:
    """The sentences of `text` as `(start, end)`, in order, trimmed; no other than white space lies between them.

    English rules are the default for all languages: they know abbreviations, and every script's stops are added.
    """
    hard = block_starts(text)
    starts = merge(hard, _after_unspaced(text), _after_spaced(text, language))
    return list(_trimmed(text, _joined(text, starts, frozenset(hard))))


def _after_unspaced(text: str) -> Iterator[int]:
    return (match.end() for match in _UNSPACED_STOP.finditer(text))


def _after_spaced(text: str, language: str) -> Iterator[int]:
    for start, end in windows(text):
        nlp = pipeline(language)
        if len(nlp.vocab) > _VOCABULARY:
            pipeline.cache_clear()
        for sentence in nlp(_LONG_WORD.sub(_blind, text[start:end])).sents:
            yield start + sentence.start_char


def _blind(match: re.Match[str]) -> str:
    return "x" * len(match.group())


def windows(text: str, size: int = _WINDOW_CHARS) -> Iterator[tuple[int, int]]:
    """Cut `text` into parts of at most `size` characters, at white space where there is any."""
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            border = max(text.rfind("\n", start + size // 2, end), text.rfind(" ", start + size // 2, end))
            end = border + 1 if border > 0 else end
        yield start, end
        start = end


def _joined(text: str, starts: Iterable[int], hard: frozenset[int]) -> Iterator[int]:
    """Leave out starts after an abbreviation, and begin before an opening bracket rather than after it."""
    last = -1
    for start in starts:
        if start <= last:
            continue
        begin = start
        if start not in hard:
            before = text[max(last, start - 24, 0) : start]
            opening = _OPENING.search(before)
            begin -= len(before) - opening.start() if opening else 0
            if _continues(before[: opening.start() if opening else None].rstrip(), text[start : start + 1]):
                continue
        if begin > last:
            yield begin
            last = begin


def _continues(before: str, first: str) -> bool:
    return (first.islower() and before[-1:] != "?") or _ABBREVIATION.search(before) is not None


def _trimmed(text: str, starts: Iterator[int]) -> Iterator[tuple[int, int]]:
    bounds = [*starts, len(text)]
    bounds[0] = 0
    for start, end in pairwise(bounds):
        part = text[start:end]
        if stripped := part.strip():
            begin = start + len(part) - len(part.lstrip())
            yield begin, begin + len(stripped)
