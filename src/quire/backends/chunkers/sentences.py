"""Chunks of whole sentences, about 200 tokens of the embedder's own tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from quire.backends.chunkers.sentencizer import pipeline, sentences, windows
from quire.core.chunking import Packer, Unit, page_units, token_starts, under
from quire.core.furniture import Range, content, with_furniture
from quire.core.ports import Tokenizer
from quire.core.types import Chunk, Heading, Page

_VERSION = 2
"""Raise it when the same pages would give other chunks."""


class SentenceChunker:
    """Cuts between sentences, at headings where it can, and inside a sentence only when that is longer than a chunk.
    Running heads, running feet and page numbers are in no chunk.

    A chunk holds at most `target_tokens`. With the title and headings put before it (`core.retrieval`) it stays
    under the 256 tokens that small embedding models read.
    """

    def __init__(
        self, *, tokenizer: Tokenizer, target_tokens: int = 200, overlap_tokens: int = 30, language: str = "en"
    ) -> None:
        if not 0 <= overlap_tokens < target_tokens:
            raise ValueError("overlap_tokens must be at least 0 and less than target_tokens")
        self.id = f"sentences-{_VERSION}:{language}:{target_tokens}/{overlap_tokens}:spacy-{version('spacy')}"
        self._tokenizer = tokenizer
        self._target_tokens = target_tokens
        self._overlap_tokens = overlap_tokens
        self._split = partial(sentences, language=language)
        self._load = partial(pipeline, language)

    def preload(self) -> None:
        """Load spaCy now, so that processes forked later share it."""
        self._load()

    def chunk(self, pages: Iterable[Page]) -> Iterator[Chunk]:
        packer = Packer(limit_tokens=self._target_tokens, overlap_tokens=self._overlap_tokens)
        path: tuple[Heading, ...] = ()
        for page, furniture in with_furniture(pages):
            headings = tuple(each for each in page.headings if not any(a <= each.start < b for a, b in furniture))
            for unit in self._units(replace(page, headings=headings), furniture, path):
                yield from packer.add(unit, page_text=page.text)
            for heading in sorted(headings):
                path = under(path, heading)
        yield from packer.flush()

    def _units(self, page: Page, furniture: Sequence[Range], path: tuple[Heading, ...]) -> Iterator[Unit]:
        stretches = list(content(page.text, furniture))
        return page_units(
            page,
            sentences=(
                (start + a, start + b) for start, end in stretches for a, b in self._split(page.text[start:end])
            ),
            breaks=[start for start, _ in stretches],
            tokens=token_starts(self._offsets(page.text), len(page.text)),
            limit_tokens=self._target_tokens,
            path=path,
        )

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        """Each token of the page, found in one pass over it."""
        return [
            (left + start, right + start)
            for start, end in windows(text)
            for left, right in self._tokenizer.offsets(text[start:end])
        ]
