"""From PDFium's characters to clean text that still knows which character of the file each of its own is.

PDFium counts UTF-16 units in a "char list" that may hold more than its text does; both are hidden here: a `RawText` is
Python text with, for each character, its index in that list (what `FPDFText_GetCharBox` takes).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium_c

from quire.core.types import Run

MAX_PAGE_CHARS = 1_000_000
"""What is read of one page; a page with more is not meant for reading."""

_ADDED = -2
"""The source of a character that the file does not have."""

_CLOSING = frozenset(",.;:)]}!?")

_SPECIAL = re.compile(
    r"(?P<line>[ \t\xa0]*[\r\n]+[ \t\xa0]*)"
    r"|(?P<hyphen>\ufffe|\xad(?=[\r\n]+\w)[\r\n]+)"
    r"|(?P<space>[\t\xa0\u2000-\u200a\u202f\u3000]|[ \t\xa0\u2000-\u200a\u202f\u3000]{2,})"
    r"|(?P<bullet>[\uf0a7\uf0b7\uf0d8\uf0fc])"
    r"|(?P<compatible>[\ufb00-\ufb06\ufb13-\ufb17\ufb50-\ufdff\ufe70-\ufefc])"
    r"|(?P<unreadable>[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff\ue000-\uf8ff\ufeff\uffff])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawText:
    """`text[i]` is character `sources[i]` of PDFium's char list. Lines end in CRLF; U+FFFE is a line-end hyphen."""

    text: str
    sources: Sequence[int]
    is_cut: bool
    """There was more than `MAX_PAGE_CHARS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanText:
    """NFC text without control characters, ligatures and end-of-line hyphens; `sources` as in `RawText`, or -2."""

    text: str
    sources: Sequence[int]

    def runs(self) -> tuple[Run, ...]:
        """Stretches of consecutive characters."""
        if not self.text:
            return ()
        sources = np.asarray(self.sources, dtype=np.int64)
        starts = np.concatenate(([0], np.flatnonzero(np.diff(sources) != 1) + 1))
        lengths = np.diff(np.concatenate((starts, [len(sources)])))
        return tuple(
            Run(start, source, length)
            for start, source, length in zip(starts.tolist(), sources[starts].tolist(), lengths.tolist(), strict=True)
            if source != _ADDED
        )


def position(runs: Sequence[Run], source: int, *, end: int) -> int:
    """Where character `source` of the file stands, or the next one that was kept; `end` when there is none."""
    index = max(bisect_right(runs, source, key=lambda run: run.source) - 1, 0)
    for run in runs[index : index + 2]:
        if source < run.source + run.length:
            return run.start + max(source - run.source, 0)
    return end


def read_text(text_page: pypdfium2.PdfTextPage) -> RawText:
    """All text of a page, in the order of the file."""
    count = text_page.count_chars()
    wanted = min(count, MAX_PAGE_CHARS)
    text: str = text_page.get_text_range(0, wanted, errors="surrogatepass") if wanted else ""
    is_astral = not text.isascii() and max(text, default="") > "\uffff"
    if len(text) == wanted and not is_astral:
        return RawText(text=text, sources=range(wanted), is_cut=count > wanted)
    return RawText(text=text, sources=_sources(text_page, text), is_cut=count > wanted)


def clean(
    raw: RawText, *, paragraph_ends: frozenset[int] = frozenset(), false_ends: frozenset[int] = frozenset()
) -> CleanText:
    """Both are indices in `raw.text`: line breaks that also end a paragraph, and those that end no line at all."""
    pieces: list[str] = []
    sources: list[int] = []
    done = 0
    for special in _SPECIAL.finditer(raw.text):
        start, end = special.span()
        pieces.append(raw.text[done:start])
        sources += raw.sources[done:start]
        replacement = _replacement(special, raw.text, paragraph_ends, false_ends)
        pieces.append(replacement)
        known = min(len(replacement), end - start) if special.lastgroup != "line" else 0
        sources += raw.sources[start : start + known]
        sources += [_ADDED] * (len(replacement) - known)
        done = end
    pieces.append(raw.text[done:])
    sources += raw.sources[done:]
    return _normalised(*_stripped("".join(pieces), sources))


def _replacement(special: re.Match[str], text: str, paragraph_ends: frozenset[int], false_ends: frozenset[int]) -> str:
    match special.lastgroup:
        case "line":
            places = range(special.start(), special.end())
            if any(at in false_ends for at in places):
                return "" if text[special.end() : special.end() + 1] in _CLOSING else " "
            return "\n\n" if any(at in paragraph_ends for at in places) else "\n"
        case "hyphen":
            return _hyphen(text[special.start() - 1 : special.start()], text[special.end() : special.end() + 1])
        case "space":
            return " "
        case "bullet":
            return "•"
        case "compatible":
            return unicodedata.normalize("NFKC", special.group())
        case _:
            return ""


def _hyphen(before: str, after: str) -> str:
    """A word cut at a line's end is rejoined; "Anglo-Saxon" and "COVID-19" keep their hyphen."""
    return "" if before.islower() and after.islower() else "-"


def _stripped(text: str, sources: list[int]) -> tuple[str, list[int]]:
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    return stripped, sources[start : start + len(stripped)]


def _normalised(text: str, sources: list[int]) -> CleanText:
    if unicodedata.is_normalized("NFC", text):
        return CleanText(text=text, sources=sources)
    pieces: list[str] = []
    composed: list[int] = []
    for start, end in _clusters(text):
        piece = unicodedata.normalize("NFC", text[start:end])
        pieces.append(piece)
        known = min(len(piece), end - start)
        composed += sources[start : start + known]
        composed += [_ADDED] * (len(piece) - known)
    return CleanText(text="".join(pieces), sources=composed)


def _clusters(text: str) -> Iterable[tuple[int, int]]:
    """A letter with the marks (or Hangul jamo) after it, which may compose with it."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not (unicodedata.category(text[at])[0] == "M" or "\u1161" <= text[at] <= "\u11ff"):
            yield start, at
            start = at


def _sources(text_page: pypdfium2.PdfTextPage, text: str) -> list[int]:
    """One call a character: only for pages where the char list and the text differ (one in ten)."""
    sources, unit = [], 0
    for character in text:
        sources.append(pdfium_c.FPDFText_GetCharIndexFromTextIndex(text_page, unit))
        unit += 1 + (character > "\uffff")
    return sources
