"""Where a run reads its file and keeps its pages and chunks: the pipeline's `Workspace`, over the database, fenced."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from quire.core import types
from quire.core.errors import PermanentError, TransientError
from quire.core.ports import KeywordIndex, SettlesLater, VectorStore
from quire.documents import drain, lifecycle, names
from quire.documents.downloads import download
from quire.documents.heartbeat import HandBack
from quire.documents.lease import BegunAnew, Lease
from quire.documents.lifecycle import fenced
from quire.documents.models import Chunk, Ingestion, Page, Stage, chunk_id

TOO_LONG = "Processing took longer than the time allowed for one document, so it was stopped. Try it in smaller parts."
PAGES_READ_AT_ONCE = 16
_VECTORS = "vector store"
MAX_WARNINGS = 100
"""More than a person reads; the last one then says how many were left out."""


class DatabaseWorkspace:
    """The workspace of one lease. After each write `on_step` is called, with whether pages or chunks were saved;
    before each, and before pages are read, `check`, which may raise to end the work there."""

    def __init__(
        self,
        lease: Lease,
        *,
        vectors: VectorStore,
        keywords: KeywordIndex,
        check: Callable[[], None],
        on_step: Callable[[bool], None],
    ) -> None:
        self._lease = lease
        self._vectors = vectors
        self._keywords = keywords
        self._check = check
        self._on_step = on_step
        self._ingestion = Ingestion.objects.select_related("document").get(id=lease.ingestion_id)
        self._timings: dict[str, float] = dict(self._ingestion.timings)
        self._warnings: list[str] = list(self._ingestion.warnings)
        self._has_written = False
        self._stage = ""
        self._stage_began = time.monotonic()
        self.media_type = self._ingestion.media_type
        self.pages_done = self._ingestion.pages_done
        self.chunks_done = self._ingestion.chunks_done
        self.pages_total = self._ingestion.pages_total
        self.chunks_total = self._ingestion.chunks_total
        self.title = self._ingestion.title or names.as_title(self._ingestion.document.name)

    def bind(self, *, fingerprint: str, embedder_id: str, dimensions: int) -> None:
        """Note what makes this run's pages and chunks. Raises `BegunAnew` when something else had begun them."""
        if self._ingestion.fingerprint == fingerprint:
            return
        if self._ingestion.fingerprint:
            lifecycle.begin_anew(self._lease)
            raise BegunAnew
        self._save(fingerprint=fingerprint, embedder_id=embedder_id, dimensions=dimensions)

    @property
    def namespace(self) -> str:
        return str(self._ingestion.tenant_id)

    @contextmanager
    def file(self) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(prefix="quire-") as copy:
            download(self._ingestion, copy, check=self._check_before_work, on_piece=lambda: self._on_step(False))
            yield Path(copy.name)

    def _check_before_work(self) -> None:
        """While nothing is done that would be lost; `_check` alone lets a batch be saved before a worker stops."""
        self._check()
        if drain.is_begun():
            raise HandBack(gives_way=False)

    def begin(self, stage: str) -> None:
        self._note_time()
        self._stage = stage
        self._save(stage=Stage(stage))

    def save_pages(self, pages: list[types.Page], *, pages_total: int, title: str) -> None:
        self.title = title or names.as_title(self._ingestion.document.name)
        if not pages:  # a resumed run, or a last batch that was full: nothing moved on
            self._save(pages_total=pages_total, title=title[:500])
            return
        self._warn([page.warning for page in pages if page.warning])
        done = pages[-1].number
        rows = [_page_row(self._ingestion, page) for page in pages]
        self._note_time()
        changes = {"pages_done": done, "pages_total": pages_total, "title": title[:500], "warnings": self._warnings}
        with self._writing(**changes):
            Page.objects.bulk_create(rows)
        self.pages_done = done

    def saved_pages(self) -> Iterator[types.Page]:
        # Not one open cursor: SQLite refuses to write beside a read that began before somebody else's write.
        pages = Page.objects.filter(ingestion=self._ingestion).order_by("number")
        for first in range(1, self.pages_done + 1, PAGES_READ_AT_ONCE):
            self._check()
            yield from map(page_of, list(pages.filter(number__gte=first, number__lt=first + PAGES_READ_AT_ONCE)))

    def count_chunks(self, chunks_total: int, *, warnings: list[str]) -> None:
        self.chunks_total = chunks_total
        self._warnings = [*warnings, *self._warnings]  # first, so that no number of pages hides them
        self._save(chunks_total=chunks_total, warnings=self._warnings)

    def save_chunks(self, chunks: list[types.Chunk], vectors: types.Vectors) -> None:
        records = [self._record(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True)]
        if not self._vectors.is_transactional:
            self._save()  # a stale worker stops here, before it writes where no transaction can take it back
            self._vectors.upsert(self.namespace, records)
        self._note_time()
        done = chunks[-1].ordinal + 1
        with self._writing(chunks_done=done):
            if self._vectors.is_transactional:
                self._vectors.upsert(self.namespace, records)
            self._keywords.upsert(self.namespace, records)
            # Those that are there are the same ones: see `_index_again`.
            rows = [_chunk_row(self._ingestion, chunk) for chunk in chunks]
            Chunk.objects.bulk_create(rows, ignore_conflicts=True)
        self.chunks_done, self._has_written = done, True

    def verify(self, *, chunks_total: int) -> None:
        ingestion_id = str(self._ingestion.id)
        self._settle()
        counts = {
            "database": Chunk.objects.filter(ingestion=self._ingestion).count(),
            _VECTORS: self._vectors.count(self.namespace, ingestion_id=ingestion_id),
            "keyword index": self._keywords.count(self.namespace, ingestion_id=ingestion_id),
        }
        for part, count in counts.items():
            if count != chunks_total:
                if part != _VECTORS or not self._may_be_late():
                    self._index_again()
                raise TransientError(f"The {part} holds {count} of {chunks_total} chunks.", code="index_incomplete")
        self._note_time()
        self._save()

    def _may_be_late(self) -> bool:
        """A store outside may show later what it has taken: it is looked at once more, by an attempt that writes
        nothing, before all is embedded anew."""
        is_second_look = self._ingestion.error_code == "index_incomplete" and not self._has_written
        return not (self._vectors.is_transactional or is_second_look)

    def _index_again(self) -> None:
        """Let the next attempt write all chunks again, each in its own place: which are missing, no store can tell."""
        self._save(chunks_done=0)

    def _settle(self) -> None:
        if isinstance(self._vectors, SettlesLater):
            self._vectors.settle(self.namespace)

    @contextmanager
    def _writing(self, **changes: Any) -> Iterator[None]:
        """A fenced transaction that moves the work on: crashes before it do not count against the document."""
        self._check()
        with fenced(self._lease, crash_count=0, timings=self._rounded_timings(), **changes):
            yield
        self._on_step(True)

    def _save(self, **changes: Any) -> None:
        self._check()
        with fenced(self._lease, timings=self._rounded_timings(), **changes):
            pass
        self._on_step(False)

    def _note_time(self) -> None:
        now = time.monotonic()
        if self._stage:
            self._timings[self._stage] = self._timings.get(self._stage, 0) + now - self._stage_began
        self._stage_began = now
        if sum(self._timings.values()) - self._timings.get("waiting", 0) > settings.ENV.deadline_s:
            raise PermanentError(TOO_LONG, code="deadline_exceeded")

    def _rounded_timings(self) -> dict[str, float]:
        return {stage: round(seconds, 3) for stage, seconds in self._timings.items()}

    def _warn(self, warnings: list[str]) -> None:
        self._warnings += warnings
        if len(self._warnings) > MAX_WARNINGS:
            self._warnings[MAX_WARNINGS - 1 :] = ["More pages could not be read; they are not listed."]

    def _record(self, chunk: types.Chunk, vector: types.Vectors) -> types.VectorRecord:
        document = self._ingestion.document
        return types.VectorRecord(
            id=str(chunk_id(self._ingestion.id, chunk.ordinal)),
            values=vector,
            metadata={
                "page": chunk.page,
                "source": document.name,
                "text": chunk.text,
                "upload_id": str(document.id),
                "ingestion_id": str(self._ingestion.id),
                "ordinal": chunk.ordinal,
                "headings": " · ".join([self.title, *chunk.heading_path] if self.title else chunk.heading_path),
            },
        )


def page_of(row: Page) -> types.Page:
    """The value that a row was made from."""
    return types.Page(
        number=row.number,
        text=row.text,
        origin=types.Origin(row.origin),
        label=row.label,
        headings=tuple(types.Heading(*heading) for heading in row.headings),
        words=tuple(types.Word(start, end, types.Box(*box)) for start, end, box in row.words),
        runs=tuple(types.Run(*run) for run in row.runs),
        margins=tuple(types.Margin(*margin) for margin in row.margins),
        size=tuple(row.size or (0.0, 0.0)),
    )


def _page_row(ingestion: Ingestion, page: types.Page) -> Page:
    fields = asdict(page)
    fields.pop("warning")
    return Page(ingestion=ingestion, **{**fields, "label": page.label[:50]})


def _chunk_row(ingestion: Ingestion, chunk: types.Chunk) -> Chunk:
    return Chunk(
        id=chunk_id(ingestion.id, chunk.ordinal),
        tenant_id=ingestion.tenant_id,
        ingestion=ingestion,
        ordinal=chunk.ordinal,
        text=chunk.text,
        spans=chunk.spans,
        tokens=chunk.tokens,
        heading_path=chunk.heading_path,
    )
