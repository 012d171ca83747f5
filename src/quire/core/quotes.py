"""Which words of a passage stand behind a claim, and where on the page they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from quire.core.chunking import Splitter
from quire.core.questions import is_latin, telling_words
from quire.core.types import Passage, Span

PageText = Callable[[str, int], str]
"""The text of a page, by document id and page number."""

_SHORTEST_PART_CHARS = 12
"""A shorter claim is no evidence by being part of a sentence."""


class Quote(NamedTuple):
    """`text` stands on `page` at `start`..`end`; at -1 when it is not there."""

    page: int
    text: str
    start: int
    end: int

    @property
    def verified(self) -> bool:
        return self.start >= 0


def find_quote(passage: Passage, claim: str, *, split: Splitter, page_text: PageText) -> Quote:
    """The sentence of `passage` that supports `claim` best, checked against its page."""
    sentences = split(passage.text) or [(0, len(passage.text))]
    start, end = max(sentences, key=lambda bounds: _support(passage.text[bounds[0] : bounds[1]], claim))
    span = _on_one_page(passage, start, end)
    return _checked(span, passage.text[start:end], page_text(passage.document_id, span.page))


def find_said(passage: Passage, words: str, *, page_text: PageText) -> Quote:
    """The words that a model says it copied from `passage`, as they stand on its page; unverified when they do not.

    White space, case, and the kind of quotation mark, apostrophe and dash may differ: what is given back is the page's.
    Words around an ellipsis are several quotes, of which the longest is taken.
    """
    said = max(_ELLIPSIS.split(words), key=len).strip()
    pattern = _loosely(said)
    if not said or pattern is None:
        return Quote(passage.spans[0].page, words, -1, -1)
    if found := pattern.search(passage.text):
        span = _on_one_page(passage, *found.span())
        return _checked(span, found.group(), page_text(passage.document_id, span.page))
    for page in dict.fromkeys(span.page for span in passage.spans):
        if found := pattern.search(page_text(passage.document_id, page)):
            return Quote(page, found.group(), *found.span())
    return Quote(passage.spans[0].page, words, -1, -1)


def occurrences(text: str, words: str) -> list[tuple[int, int]]:
    """Where `words` stand in `text`, as loosely as `find_said` takes them."""
    pattern = _loosely(words)
    return [found.span() for found in pattern.finditer(text)] if pattern else []


_ELLIPSIS = re.compile(r"\s*(?:\[?…\]?|\[?\.{3,4}\]?)\s*")
_ALIKE = ('"“”„«»', "'‘’‚`´", "-‐‑‒–—−")
"""Characters that a model writes for one another."""


def _loosely(words: str) -> re.Pattern[str] | None:
    """Finds `words` in a text of a document; None where there is nothing to find."""
    if not any(char.isalnum() for char in words):
        return None
    text = unicodedata.normalize("NFC", words)
    pattern = r"\s+".join("".join(_alike(char) for char in word) for word in text.split())
    # A figure is not found within a longer one, nor a word within another; Chinese sets no space between words.
    if is_latin(text):
        pattern = rf"(?<!\w){pattern}" if text[0].isalnum() else pattern
        pattern = rf"{pattern}(?!\w)" if text[-1].isalnum() else pattern
    return re.compile(pattern, re.IGNORECASE)


def _alike(char: str) -> str:
    for kind in _ALIKE:
        if char in kind:
            return f"[{re.escape(kind)}]"
    return re.escape(char)


def _support(sentence: str, claim: str) -> tuple[float, float]:
    """Verbatim first (the longer the better), then by words in common."""
    quoted, claimed = squeezed(sentence), squeezed(claim)
    if quoted and quoted in claimed:
        return len(quoted), 0.0
    if len(claimed) >= _SHORTEST_PART_CHARS and claimed in quoted:
        return len(claimed), -len(quoted)
    own, wanted = set(telling_words(sentence)), set(telling_words(claim))
    return 0.0, len(own & wanted) / (len(own) + 8) ** 0.5


def squeezed(text: str) -> str:
    """`text` with each run of white space as one space, none around."""
    return " ".join(text.split())


def _on_one_page(passage: Passage, start: int, end: int) -> Span:
    """Where `passage.text[start:end]` stands; of a sentence over two pages, the longer part."""
    parts: list[Span] = []
    at, page = 0, passage.spans[0].page
    for span in passage.spans:
        at += span.page != page
        page = span.page
        left, right = max(start, at), min(end, at + span.end - span.start)
        if left < right:
            parts.append(Span(span.page, span.start + left - at, span.start + right - at))
        at += span.end - span.start
    return max(parts, key=lambda part: part.end - part.start, default=passage.spans[0])


def _checked(span: Span, sentence: str, text: str) -> Quote:
    """The quote where the span says, else anywhere on the page; verified only when the page holds it."""
    there = text[span.start : span.end]
    if there.strip() and squeezed(there) in squeezed(sentence):
        return Quote(span.page, there, span.start, span.end)
    pattern = r"\s+".join(re.escape(word) for word in sentence.split())
    if found := re.search(pattern, text) if pattern else None:
        return Quote(span.page, found.group(), found.start(), found.end())
    return Quote(span.page, sentence, -1, -1)
