"""Cutting documents that have no pages of their own into pages, so that "page 3" means something.

A page ends where the file says so, else before the block that would make it longer than about 3,000 characters (a
printed page); a heading is never the last of a page. A page is never empty. The same blocks give the same pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from quire.core.errors import PermanentError
from quire.core.types import Heading, Origin, Page

PAGE_CHARS = 3_000
RENDERED_PAGE_CHARS = 12_000
"""More than a page can hold: where a file's own breaks stand further apart, it lacks some."""
MAX_TEXT_CHARS = 100_000_000
_MAX_HEADING_CHARS = 300
_MAX_MARKS = 30
"""Combining marks that stay with their letter at a page's end. No script has so many."""
_UNREADABLE = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\xad\u200b\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SENTENCE_END = re.compile(r"[.!?。！？।]['\")\]»”]*\s+|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, a heading (`level` from 1), a row of a table or an item of a list (both `is_tight`).

    A form feed in `text` is a page break.
    """

    text: str
    level: int = 0
    is_tight: bool = False
    """Stands right under another tight block, without an empty line between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkupExtraction:
    """An `Extraction` whose pages are known."""

    title: str
    all_pages: Sequence[Page]

    @property
    def page_count(self) -> int:
        return len(self.all_pages)

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        yield from self.all_pages[max(first, 1) - 1 :]


def paged(blocks: Iterable[Block], *, title: str, page_chars: int = PAGE_CHARS) -> MarkupExtraction:
    """Raises `PermanentError` (`no_text`, `too_much_text`)."""
    pages = list(paginate(blocks, page_chars=page_chars))
    if not pages:
        raise PermanentError("There is no text in this file.", code="no_text")
    return MarkupExtraction(title=title, all_pages=pages)


def paginate(blocks: Iterable[Block], *, page_chars: int = PAGE_CHARS) -> Iterator[Page]:
    """Pages from number 1 on."""
    number, total, page = 1, 0, _PageBuilder()
    for block in blocks:
        for index, part in enumerate(block.text.split("\f")):
            if index and page.length:
                yield page.build(number)
                number, page = number + 1, _PageBuilder()
            for piece in _pieces(clean_text(part), page_chars):
                total += len(piece)
                _refuse_bomb(total)
                if page.is_full_for(piece, page_chars):
                    page, full = page.split_before_last_headings(), page
                    yield full.build(number)
                    number += 1
                page.add(piece, block)
    if page.length:
        yield page.build(number)


def clean_text(text: str) -> str:
    """NFC, no control characters, no spaces at line ends, no white space around."""
    text = unicodedata.normalize("NFC", _UNREADABLE.sub("", text.replace("\xa0", " ")))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"(?<![ \t])[ \t]+(?=\n)", "", text)).strip()


@dataclass(slots=True, kw_only=True)
class _PageBuilder:
    pieces: list[tuple[str, Block]] = field(default_factory=list)
    length: int = 0

    def is_full_for(self, piece: str, page_chars: int) -> bool:
        holds_text = any(not block.level for _, block in self.pieces)
        return self.length + len(piece) > (page_chars if holds_text else 2 * page_chars) and bool(self.pieces)

    def add(self, piece: str, block: Block) -> None:
        self.pieces.append((piece, block))
        self.length += len(piece) + 2

    def split_before_last_headings(self) -> _PageBuilder:
        """Moves the headings at the end of this page to the next one, unless the page has nothing else."""
        after = _PageBuilder()
        keep = max((at for at, (_, block) in enumerate(self.pieces, 1) if not block.level), default=len(self.pieces))
        for piece, block in self.pieces[keep:]:
            after.add(piece, block)
        del self.pieces[keep:]
        return after

    def build(self, number: int) -> Page:
        text, headings, was_tight = "", [], False
        parts: list[str] = []
        at = 0
        for piece, block in self.pieces:
            gap = "" if not parts else "\n" if was_tight and block.is_tight else "\n\n"
            at += len(gap)
            if block.level and len(piece) <= _MAX_HEADING_CHARS:
                headings.append(Heading(at, block.level, " ".join(piece.split())))
            parts += (gap, piece)
            at += len(piece)
            was_tight = block.is_tight
        text = unicodedata.normalize("NFC", "".join(parts))
        return Page(number=number, text=text, origin=Origin.MARKUP, headings=tuple(headings))


def _pieces(text: str, page_chars: int) -> Iterator[str]:
    """`text`, cut at a sentence's end, else at a space, else anywhere, when it is longer than a page."""
    start = 0
    while len(text) - start > page_chars:
        window = text[start : start + page_chars]
        ends = [found.end() for found in _SENTENCE_END.finditer(window, page_chars // 2)]
        cut = ends[-1] if ends else window.rfind(" ", page_chars // 2) + 1 or page_chars
        marks_from = max(cut - _MAX_MARKS, 1)
        while cut > marks_from and unicodedata.combining(text[start + cut]):
            cut -= 1
        if piece := window[:cut].strip():
            yield piece
        start += cut
    if text[start:].strip():
        yield text[start:].strip()


def _refuse_bomb(total: int) -> None:
    if total > MAX_TEXT_CHARS:
        raise PermanentError(
            f"This file holds more than {MAX_TEXT_CHARS // 1_000_000} million characters of text.", code="too_much_text"
        )
