"""What Quire needs from the outside, each as a small Protocol; `backends/` holds the technologies.

A backend takes plain keyword options, reads no settings, turns each vendor error into one of `core.errors`,
gives every outside call a timeout, and passes its port's contract class in `tests/contracts/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from quire.core.cancellation import Cancellation
from quire.core.types import Box, Chunk, Hit, OcrResult, Page, Passage, Picture, Turn, VectorRecord, Vectors


@runtime_checkable
class WarmsUp(Protocol):
    """A backend whose first use is slow."""

    def warm_up(self) -> None:
        """Do now what the first use would wait for. Calling it again, or not at all, changes nothing else."""
        ...


@runtime_checkable
class FileStore(Protocol):
    """What a Django storage outside of this machine offers beside Django's own methods, which it has too."""

    def reach(self) -> None:
        """See that it answers, and that we may use it; quick, and writes nothing."""
        ...

    def download(self, name: str, target: IO[bytes]) -> None:
        """Write the file to `target`, which can seek. `FileNotFoundError` when there is none."""
        ...

    def link(self, name: str, *, file_name: str) -> str | None:
        """An address where a browser may fetch the file for a short time, to be saved as `file_name`.

        None when browsers cannot reach it. `FileNotFoundError` when there is no such file."""
        ...

    def walk(self) -> Iterator[tuple[str, datetime]]:
        """Each file's name and when it was written, read a page at a time."""
        ...


@runtime_checkable
class NeedsTending(Protocol):
    """A backend that stays quick as it grows when something is done for it now and then."""

    def tend(self) -> int:
        """Do what there is to do, outside of any transaction, and return how much it was. It may take minutes.

        Any number of processes may call it; calling it never changes what is found.
        """
        ...


class Extraction(Protocol):
    """An opened document."""

    @property
    def title(self) -> str:
        """The title that the document itself states; empty when it states none."""
        ...

    @property
    def page_count(self) -> int: ...

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        """Pages from number `first` on, in order, each made when asked for. A page that cannot be read comes
        with an empty text and a `warning`, so that `page_count` pages always come."""
        ...


class Extractor(Protocol):
    """Turns a file of one kind into pages of text."""

    media_types: frozenset[str]

    def open(self, path: Path, *, media_type: str) -> AbstractContextManager[Extraction]:
        """Raises `PermanentError` (`encrypted`, `corrupt_file`, `no_text`…) for a file that can never be read."""
        ...


@runtime_checkable
class Cancellable(Protocol):
    """An extractor that can be stopped in the middle of a page."""

    def until(self, cancellation: Cancellation) -> Extractor:
        """The same extractor for one run; what it opens raises `LeaseLost` as soon as that is cancelled, and tells it
        that the work moves when a page is begun once more."""
        ...


class Viewer(Protocol):
    """Shows pages of files that have any: as pictures, and where given characters stand on them."""

    media_types: frozenset[str]

    def draw(self, path: Path, *, number: int, width_px: int, marks: Sequence[Box] = ()) -> Picture:
        """Page `number`, from 1, as a viewer shows it, with `marks` as if by a yellow pen.

        Less wide than asked where that would be too many pixels.

        Raises `PermanentError` (`page_missing`, `corrupt_file`…).
        """
        ...

    def locate(self, path: Path, *, number: int, passages: Sequence[Sequence[tuple[int, int]]]) -> list[list[Box]]:
        """For each passage the boxes of its characters, one a line, in fractions of the page as a viewer shows it.

        A passage is ranges `(start, end)`, half-open, of the characters that `Run.source` counts.
        """
        ...


class OcrEngine(Protocol):
    """Reads text in a picture."""

    id: str

    def read(self, image: NDArray[np.uint8], *, dpi: int) -> OcrResult:
        """`image` is grey, shape `(height, width)`. No text found is an empty result, not an error."""
        ...


class Tokenizer(Protocol):
    """The embedder's own tokenizer, which decides how long a chunk is."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token stands in `text`, in order; special tokens left out."""
        ...


class Chunker(Protocol):
    """Cuts pages into chunks, the same ones each time the same pages come."""

    id: str
    """Changes when its chunks would."""

    def chunk(self, pages: Iterable[Page]) -> Iterator[Chunk]:
        """Reads pages one at a time and holds no more than a few."""
        ...


class Embedder(Protocol):
    """Turns text into vectors."""

    id: str
    """Model, dimensions and variant: vectors of different ids must never meet in one search."""
    dimensions: int
    tokenizer: Tokenizer
    batch_texts: int
    """How many texts are best given at once: they are saved together, and lost together when a run is cut off."""
    text_tokens: int | None
    """Tokens of a text that are read; what comes after them is cut. None: no limit."""
    request_tokens: int | None
    """Tokens that go in one request to a provider, when texts are more: None where nothing is sent, or all at once."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Shape `(len(texts), dimensions)`, in the order given, unit length. Text over the model's limit is cut."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Shape `(dimensions,)`, unit length."""
        ...


class Limiter(Protocol):
    """Keeps all processes together within a provider's quota, first come first served."""

    def acquire(self, *, texts: int = 1, tokens: int = 0, is_question: bool = False) -> None:
        """Return when one request of so many texts and tokens may be sent: at once, or after a short wait.

        A question is one for which a person waits: work in the background does not stand in its way.
        Raises `RateLimited` when the wait would be long, and then takes nothing from the quota.
        """
        ...

    def refused(self, *, retry_after_s: float) -> None:
        """The provider refused a request that `acquire` had let through: nobody sends one until it may be sent."""
        ...


class VectorStore(Protocol):
    """An index of vectors. Never the judge of what is visible: each hit is checked against the database."""

    is_transactional: bool
    """True when writes take part in the caller's database transaction, and go with it when it is rolled back."""

    def prepare(self, *, dimensions: int) -> None:
        """Create what is missing; calling twice is safe. `PermanentError` (`dimension_mismatch`) if it holds others."""
        ...

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        """Write records of one namespace (one tenant); the same id again replaces it."""
        ...

    def query(
        self, namespace: str, vector: Vectors, *, limit: int, upload_ids: Sequence[str] | None = None
    ) -> list[Hit]:
        """The `limit` nearest by cosine, best first, of the whole namespace or only of these documents."""
        ...

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        """How many vectors of this ingestion a query could find now."""
        ...

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        """Remove every vector of this ingestion. None there is no error."""
        ...

    def ingestion_ids(self, namespace: str) -> Iterator[str]:
        """Each ingestion that has vectors in this namespace, once: for `quire audit`."""
        ...


@runtime_checkable
class SettlesLater(Protocol):
    """A vector store whose writes can be found only a while after they were made."""

    def settle(self, namespace: str) -> None:
        """Return when a query, and `count`, see every write to this namespace that was made before.

        A usual delay is waited for in place. Raises `RateLimited` where it takes longer: nothing is lost by that.
        """
        ...


class KeywordIndex(Protocol):
    """Full-text search over the same chunks, under the same rules."""

    def prepare(self) -> None: ...

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        """Index each record's `metadata["text"]`, with `source` (the document's name) and `headings` at less weight."""
        ...

    def query(self, namespace: str, text: str, *, limit: int, upload_ids: Sequence[str] | None = None) -> list[Hit]:
        """The best `limit` chunks that hold any of the words of `text`. Any text is a valid query."""
        ...

    def count(self, namespace: str, *, ingestion_id: str) -> int: ...

    def delete(self, namespace: str, *, ingestion_id: str) -> None: ...


class ChatModel(Protocol):
    """Answers a question from numbered passages."""

    id: str
    is_generative: bool
    """False: its sentences are the document's own. The page says so, and how to configure a language model."""

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        """Pieces of the answer, in order, citing passages by `[n]` or `[n: "words"]` right after what they support.
        No piece at all means that the passages do not hold the answer; a language model says so by
        `core.prompt.NO_ANSWER`, which comes through as it is, and one that says nothing raises `answer_empty`.

        Closing the iterator ends the call to the provider. Language models are told what `core.prompt.build` says."""
        ...

    def rewrite(self, *, question: str, history: Sequence[Turn]) -> str:
        """`question` so that it can be searched for without the turns before: one short call of what
        `core.prompt.rewriting` says. A model that is not generative returns it as it is."""
        ...
