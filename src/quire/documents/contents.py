"""What a document's pages say where: its headings in order, and the places of given words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from quire.core.types import Heading
from quire.documents.models import Document, Page

MOST_HEADINGS = 2_000
MOST_PLACES = 500
_AROUND = 48
"""Characters shown to each side of a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A heading: `text` begins at `start` of the page's text."""

    page: int
    start: int
    end: int
    level: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where words stand, `text[start:end]` of a page, and what is around them, on one line."""

    page: int
    start: int
    end: int
    before: str
    words: str
    after: str


def outline(document: Document, *, limit: int = MOST_HEADINGS) -> list[Entry]:
    """The headings of what answers now, in order."""
    return list(islice(_entries(document), limit))


def find(document: Document, words: str, *, limit: int = MOST_PLACES) -> list[Place]:
    """The first places that say `words`, in whatever case and however they are spaced; also within longer words."""
    if document.active_ingestion is None or not words.split():
        return []
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words.split()), re.IGNORECASE)
    return list(islice(_places(document, pattern), limit))


def _entries(document: Document) -> Iterator[Entry]:
    if document.active_ingestion is None:
        return
    pages = document.active_ingestion.pages.exclude(headings=[]).order_by("number")
    for number, rows in pages.values_list("number", "headings"):
        for heading in (Heading(*row) for row in rows):
            if text := " ".join(heading.text.split()):
                end = heading.start + len(heading.text)
                yield Entry(page=number, start=heading.start, end=end, level=heading.level, text=text)


def _places(document: Document, pattern: re.Pattern[str]) -> Iterator[Place]:
    pages = Page.objects.filter(ingestion=document.active_ingestion_id).order_by("number")
    for number, text in list(pages.values_list("number", "text")):
        for found in pattern.finditer(text):
            yield _place(number, text, *found.span())


def _place(page: int, text: str, start: int, end: int) -> Place:
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    return Place(
        page=page,
        start=start,
        end=end,
        before=("…" if start > _AROUND else "") + _one_line(before),
        words=_one_line(text[start:end]),
        after=_one_line(after) + ("…" if end + _AROUND < len(text) else ""),
    )


def _one_line(text: str) -> str:
    """Without its line breaks, the blanks at its ends kept."""
    return re.sub(r"\s+", " ", text)
