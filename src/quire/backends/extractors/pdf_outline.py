"""A PDF's bookmarks as headings, each found again in the text of its page."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import islice

import pypdfium2

from quire.core.types import Heading

MAX_BOOKMARKS = 20_000
_MAX_DEPTH = 8
_NUMBERING = re.compile(r"\W*((chapter|section|part|appendix|kapitel|chapitre)?\W*[\dA-Z.]{0,8}\W+)?", re.IGNORECASE)

Outline = dict[int, list[tuple[int, str]]]
"""Page number (from 1) to `(level from 1, title)` in order."""


def read_outline(document: pypdfium2.PdfDocument) -> Outline:
    """Under the PDFium lock. Empty when there is none, or it is broken."""
    outline: Outline = defaultdict(list)
    try:
        for bookmark in islice(document.get_toc(max_depth=_MAX_DEPTH), MAX_BOOKMARKS):
            target = bookmark.get_dest()
            index = target.get_index() if target else None
            if index is not None:
                outline[index + 1].append((bookmark.level + 1, " ".join(bookmark.get_title().split())))
    except (pypdfium2.PdfiumError, ValueError):
        return {}
    return dict(outline)


def outline_headings(text: str, entries: list[tuple[int, str]]) -> tuple[Heading, ...]:
    """The entries whose title begins a line, spaces, punctuation and a number before it aside; others are left out."""
    if not entries:
        return ()
    places = [at for at, character in enumerate(text) if character.isalnum()]
    letters = "".join(text[at] for at in places).lower()
    headings, begin = [], 0
    for level, title in entries:
        wanted = "".join(filter(str.isalnum, title)).lower()
        found = _line_start(text, letters, wanted, places, begin) if wanted and len(letters) == len(places) else -1
        if found >= 0:
            begin = found + len(wanted)
            start, end = places[found], places[begin - 1] + 1
            headings.append(Heading(start, level, " ".join(text[start:end].split())))
    return tuple(headings)


def _line_start(text: str, letters: str, wanted: str, places: list[int], begin: int) -> int:
    """Where in `letters` the wanted ones stand at a line's beginning; -1 when nowhere."""
    found = letters.find(wanted, begin)
    while found >= 0 and not _NUMBERING.fullmatch(text, text.rfind("\n", 0, places[found]) + 1, places[found]):
        found = letters.find(wanted, found + 1)
    return found
