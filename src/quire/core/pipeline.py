"""The road of one document: download → extract → chunk → embed → index → verify.

Every step writes what it has finished in small batches, so that memory does not grow with the document and a run
that was cut off goes on from its last batch. Pages come from the workspace after extraction, and chunks are the
same each time the same pages come: nothing but the two counters needs to be remembered.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from quire.core.errors import PermanentError
from quire.core.ports import Chunker, Embedder, Extraction, Extractor
from quire.core.retrieval import embedding_text, is_cut
from quire.core.types import Chunk, Page, Vectors

PAGES_PER_BATCH = 8
CHARACTERS_PER_BATCH = 200_000
"""Pages are saved after this many, or after this much text: a few seconds of work at the slowest."""
SECONDS_PER_BATCH = 5
"""And at the latest after so long, so that a scan of which each page takes seconds shows that it moves."""

T = TypeVar("T")


class Workspace(Protocol):
    """Where one run reads its file and keeps what it has finished. Each write raises `LeaseLost` once it is stale."""

    media_type: str
    pages_done: int
    pages_total: int | None
    chunks_done: int
    chunks_total: int | None
    title: str

    def file(self) -> AbstractContextManager[Path]:
        """The document's bytes as a local file, for the time of the block."""
        ...

    def begin(self, stage: str) -> None:
        """Say which stage begins."""
        ...

    def save_pages(self, pages: list[Page], *, pages_total: int, title: str) -> None: ...

    def saved_pages(self) -> Iterator[Page]:
        """All pages saved so far, in order, read a few at a time."""
        ...

    def save_chunks(self, chunks: list[Chunk], vectors: Vectors) -> None:
        """Store chunks with vectors and keywords; `vectors` has shape `(len(chunks), dimensions)`."""
        ...

    def count_chunks(self, chunks_total: int, *, warnings: list[str]) -> None:
        """Note how many there are, and what the uploader should know about them."""
        ...

    def verify(self, *, chunks_total: int) -> None:
        """Raises `TransientError` unless database, vector store and keyword index hold all the chunks."""
        ...


def process(workspace: Workspace, *, extractor: Extractor, chunker: Chunker, embedder: Embedder) -> None:
    """Take one document from its file to a complete, verified index. Safe to run again after any interruption."""
    if workspace.pages_total is None or workspace.pages_done < workspace.pages_total:
        workspace.begin("downloading")
        with workspace.file() as path:
            workspace.begin("extracting")
            with extractor.open(path, media_type=workspace.media_type) as extraction:
                extract(workspace, extraction)

    if not workspace.chunks_total:
        workspace.begin("chunking")
        count(workspace, chunker.chunk(workspace.saved_pages()), embedder)
    if not workspace.chunks_total:
        raise PermanentError(NO_TEXT, code="no_text")

    workspace.begin("embedding")
    rest = islice(chunker.chunk(workspace.saved_pages()), workspace.chunks_done, None)
    for batch in batches(rest, embedder.batch_texts):
        vectors = embedder.embed_documents([embedding_text(chunk, title=workspace.title) for chunk in batch])
        workspace.save_chunks(batch, vectors)

    workspace.begin("indexing")
    workspace.verify(chunks_total=workspace.chunks_total)


def count(workspace: Workspace, chunks: Iterable[Chunk], embedder: Embedder) -> None:
    """Count the chunks, and those that are longer than the embedding model reads."""
    total = cut = 0
    for chunk in chunks:
        total += 1
        cut += is_cut(chunk, workspace.title, embedder)
    warnings = [CUT.format(cut=cut, total=total, tokens=embedder.text_tokens)] if cut else []
    workspace.count_chunks(total, warnings=warnings)


def extract(workspace: Workspace, extraction: Extraction) -> None:
    """Save every page from the first that is not yet saved."""
    batch: list[Page] = []
    total, title = extraction.page_count, extraction.title
    saved_at = time.monotonic()
    for page in extraction.pages(first=workspace.pages_done + 1):
        batch.append(page)
        is_late = time.monotonic() - saved_at > SECONDS_PER_BATCH
        if is_late or len(batch) == PAGES_PER_BATCH or sum(len(p.text) for p in batch) > CHARACTERS_PER_BATCH:
            workspace.save_pages(batch, pages_total=total, title=title)
            batch, saved_at = [], time.monotonic()
    workspace.save_pages(batch, pages_total=total, title=title)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


CUT = (
    "{cut} of {total} passages are longer than the {tokens} tokens that the embedding model reads: what stands at "
    "their end is found by its words only. A smaller QUIRE_CHUNK_TOKENS and `quire reindex` mend that."
)

NO_TEXT = (
    "No readable text was found in this document, neither as text nor by OCR; where a page could not be read, "
    "the warnings say why. "
    "If it is a scan, upload a sharper one; if it is a picture, it holds nothing to search."
)
