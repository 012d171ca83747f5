"""Putting the words that an engine read together: a text, and where each word stands in it and on the picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quire.core.types import Box, OcrResult, Word


class ReadWord(NamedTuple):
    """One word, in pixels of the picture from its top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


Paragraph = Sequence[Sequence[ReadWord]]
"""Lines of words, in reading order."""


def assemble(paragraphs: Iterable[Paragraph], *, width: int, height: int) -> OcrResult:
    """Words joined by spaces, lines by newlines, paragraphs by empty lines; text is NFC.

    A word cut at a line's end is rejoined: its two parts stand side by side, without the hyphen.
    """
    pieces: list[str] = []
    words: list[Word] = []
    at = 0
    for paragraph in paragraphs:
        gap = "\n\n"
        for line in paragraph:
            for read in line:
                text = _printable(read.text)
                if not text:
                    continue
                if gap == "\n" and _is_cut_word(pieces, text):
                    pieces[-1], words[-1] = pieces[-1][:-1], words[-1]._replace(end=words[-1].end - 1)
                    gap, at = "", at - 1
                gap = gap if words else ""
                at += len(gap)
                words.append(Word(at, at + len(text), _box(read, width, height)))
                pieces += (gap, text)
                at += len(text)
                gap = " "
            gap = "\n" if gap == " " else gap
    return OcrResult(text="".join(pieces), words=tuple(words))


def _is_cut_word(pieces: Sequence[str], after: str) -> bool:
    before = pieces[-1] if pieces else ""
    return len(before) > 1 and before[-1] == "-" and before[-2].islower() and after[0].islower()


def _printable(text: str) -> str:
    """No white space inside or around, and no mark at the beginning that would compose with what stands before."""
    kept = "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"} and not c.isspace())
    return unicodedata.normalize("NFC", kept)


def _box(read: ReadWord, width: int, height: int) -> Box:
    """On the page, and a pixel wide and high at least, wherever an engine has the word."""
    left, right = _on_the_page(read.left, read.right, width)
    top, bottom = _on_the_page(read.top, read.bottom, height)
    return Box(left / width, top / height, right / width, bottom / height)


def _on_the_page(start: float, end: float, size: int) -> tuple[float, float]:
    start = min(max(start, 0.0), size - 1.0)
    return start, min(max(end, start + 1.0), float(size))
