"""The values that travel through the pipeline, and the answer made from them.

All text is Unicode NFC. All offsets are indices into a Python `str`, half-open: `text[start:end]`.
Boxes are `(left, top, right, bottom)` as fractions of the page, 0 to 1, origin at the top left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Embeddings: float32, shape `(n, dimensions)`, or `(dimensions,)` for one; each of unit length."""


class Origin(StrEnum):
    """Where the text of a page came from."""

    TEXT_LAYER = "text_layer"
    OCR = "ocr"
    MARKUP = "markup"


class Box(NamedTuple):
    """A rectangle on a page, in fractions of its width and height, from the top left."""

    left: float
    top: float
    right: float
    bottom: float


class Word(NamedTuple):
    """A word that OCR read: `text[start:end]` of its page lies in `box`."""

    start: int
    end: int
    box: Box


class Heading(NamedTuple):
    """A heading that begins at `start` of its page's text; `level` counts from 1, the outermost."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page as a picture."""

    content: bytes
    """A JPEG."""
    width_px: int
    height_px: int


class Run(NamedTuple):
    """`length` characters from `start` of a page's text are those from `source` of PDFium's text page.

    Runs are in order and do not overlap; characters we added (a space, an expanded ligature's tail)
    are in none. With them a citation is boxed from the original file to the character.
    """

    start: int
    source: int
    length: int


def sources(runs: Sequence[Run], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The ranges of PDFium's characters that `text[start:end]` of a page was made from."""
    for run in runs:
        first, last = max(start, run.start), min(end, run.start + run.length)
        if first < last:
            yield run.source + first - run.start, run.source + last - run.start


class Margin(NamedTuple):
    """`text[start:end]` of a page is a line at the upper or lower edge of the paper: perhaps a running head or a
    page number. `core.furniture` decides that by the pages around it.
    """

    start: int
    end: int
    place: float
    """Of its baseline: a fraction of the page's height, from the top."""
    is_apart: bool
    """A wide gap lies between it and the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as text. Formats without pages (Markdown, HTML, text, DOCX) are cut into pages by the extractor."""

    number: int
    """From 1: the physical page, as a viewer counts it."""
    text: str
    origin: Origin
    label: str = ""
    """The number printed by a viewer ("iv", "A-3"); empty when it equals `number`."""
    headings: tuple[Heading, ...] = ()
    words: tuple[Word, ...] = ()
    """Only for OCR."""
    runs: tuple[Run, ...] = ()
    """Only for a PDF's text layer."""
    margins: tuple[Margin, ...] = ()
    """Only for a PDF's text layer."""
    size: tuple[float, float] = (0.0, 0.0)
    """Width and height in points, as a viewer shows it; 0 where there is no paper."""
    warning: str = ""
    """A sentence when this page, or a part of it, could not be read; the document lists it."""


class Span(NamedTuple):
    """`text[start:end]` of page `page` (from 1)."""

    page: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A run of whole sentences, about 200 tokens, that is embedded and found as one.

    `text` is the concatenation of its spans' texts, one after another, joined by a newline where the page changes.
    """

    ordinal: int
    """From 0, in reading order, without gaps."""
    text: str
    spans: tuple[Span, ...]
    tokens: int
    heading_path: tuple[str, ...] = ()
    """The headings it stands under, outermost first."""

    @property
    def page(self) -> int:
        """The page it begins on."""
        return self.spans[0].page


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrResult:
    """What OCR read on one picture: `text`, and where each word stands."""

    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRecord:
    """One vector as a store keeps it. `metadata` carries `page`, `source`, `text`, `upload_id`, `ingestion_id`."""

    id: str
    """The chunk's id: a UUID in its canonical form."""
    values: Vectors
    """Shape `(dimensions,)`."""
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that a search found. `score`: the cosine for vectors, like BM25 for keywords; larger is better."""

    id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk as given to a chat model, numbered from 1 in the order given."""

    number: int
    chunk_id: str
    document_id: str
    document_name: str
    text: str
    spans: tuple[Span, ...]
    heading_path: tuple[str, ...] = ()
    score: float = 0.0
    """Cosine of question and chunk, -1 to 1; 0 when only keywords found it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One earlier question of a conversation and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A number in an answer, resolved by us: which words of which page it stands for."""

    number: int
    """As printed in the answer, from 1."""
    chunk_id: str
    document_id: str
    document_name: str
    page: int
    quote: str
    """Verbatim from `page` when `verified`."""
    start: int
    """Where the quote begins on the page; -1 when it was not found there."""
    end: int
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a person should know about how an answer was made: a stable code, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished answer. Its text cites by `[n]`, n being a citation's number."""

    text: str
    citations: tuple[Citation, ...] = field(default=())
    grounded: bool
    """False when the passages do not hold the answer, and the text says so."""
    model: str
    """The one that said it: the extractive one where the language model failed."""
    notice: Notice | None = None
