"""How a document stands, as a value: the same for HTTP, events, pages and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from quire.documents.models import Document, Ingestion, Status
from quire.documents.outlook import Outlook, outlooks

EXTRACTION_SHARE = 30
"""Percent of the bar that extraction fills; embedding fills the rest, since it takes most of the time."""
NEEDS_ANOTHER_FILE = frozenset(
    {
        "corrupt_file",
        "encrypted",
        "file_lost",
        "no_text",
        "page_missing",
        "parser_crash",
        "parser_output",
        "too_many_pages",
        "too_much_text",
        "unknown_encoding",
        "unsupported_type",
        "zip_bomb",
    }
)
"""Errors that the same file meets each time it is tried; what time, limits or settings may cure is not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    percent: int
    pages_done: int
    pages_total: int | None
    chunks_done: int
    chunks_total: int | None
    eta_s: float | None
    """Of its present stage: while it waits for its turn, until it is begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    code: str
    message: str
    retryable: bool
    """It is over, and to try the same file again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run, as a person follows it."""

    task_id: UUID
    status: str
    stage: str
    progress: Progress
    queue_position: int | None
    """Of the documents of its tenant that wait for their turn: 1 is next."""
    attempts: int
    retry_at: datetime | None
    waiting_for: str
    error: Failure | None
    warnings: Sequence[str]
    timings: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReport:
    """A document with the run that made its content, and the one under way over it, if any."""

    id: UUID
    name: str
    title: str
    file_id: str
    user_id: UUID | None
    media_type: str
    bytes: int
    sha256: str
    status: str
    run: RunReport
    pages: int
    chunks: int
    pending: RunReport | None
    created_at: datetime
    completed_at: datetime | None

    @property
    def is_final(self) -> bool:
        """Nothing more will change by itself."""
        is_waiting = self.pending is not None and self.pending.status != Ingestion.Status.FAILED
        return self.status != Status.PROCESSING and not is_waiting


_PENDING = {Ingestion.Status.QUEUED, Ingestion.Status.RUNNING, Ingestion.Status.FAILED}
"""A newer run of these is shown beside the content that answers: a replacement that failed is told, with its reason."""


def report(document: Document) -> DocumentReport:
    """The document as it stands now."""
    return reports([document])[0]


def reports(documents: Iterable[Document]) -> list[DocumentReport]:
    """Reports in the order given, by as many queries for many as for one."""
    documents = list(documents)
    runs: dict[UUID, list[Ingestion]] = {document.id: [] for document in documents}
    for ingestion in Ingestion.objects.filter(document__in=documents).order_by("version"):
        runs[ingestion.document_id].append(ingestion)
    waiting = outlooks(run for of_one in runs.values() for run in of_one)
    return [_report(document, runs[document.id], waiting) for document in documents]


def _report(document: Document, runs: list[Ingestion], waiting: Mapping[UUID, Outlook]) -> DocumentReport:
    newest = runs[-1]
    shown = next((run for run in runs if run.id == document.active_ingestion_id), newest)
    pending = newest if newest.version > shown.version and newest.status in _PENDING else None
    return DocumentReport(
        id=document.id,
        name=document.name,
        title=document.title,
        file_id=shown.storage_key,
        user_id=document.uploader_id,
        media_type=shown.media_type,
        bytes=shown.bytes,
        sha256=document.sha256,
        status=document.status,
        run=_run_report(shown, waiting.get(shown.id)),
        pages=shown.pages_done,
        chunks=shown.chunks_done,
        pending=_run_report(pending, waiting.get(pending.id)) if pending else None,
        created_at=document.created_at,
        completed_at=document.completed_at,
    )


def _run_report(run: Ingestion, outlook: Outlook | None) -> RunReport:
    return RunReport(
        task_id=run.task_id,
        status=run.status,
        stage=run.stage if run.status == Ingestion.Status.RUNNING else _resting_stage(run),
        progress=_progress(run, outlook),
        queue_position=outlook.place if outlook else None,
        attempts=run.attempts,
        retry_at=run.next_attempt_at,
        waiting_for=run.waiting_for,
        error=_failure(run),
        warnings=run.warnings,
        timings=_timings(run),
    )


def _resting_stage(run: Ingestion) -> str:
    return "done" if run.status == Ingestion.Status.COMPLETED else run.status


def _progress(run: Ingestion, outlook: Outlook | None) -> Progress:
    percent = 100 if run.status == Ingestion.Status.COMPLETED else _percent(run)
    return Progress(
        percent=percent,
        pages_done=run.pages_done,
        pages_total=run.pages_total,
        chunks_done=run.chunks_done,
        chunks_total=run.chunks_total,
        eta_s=outlook.eta_s if outlook else _eta_s(run),
    )


def _percent(run: Ingestion) -> int:
    pages = run.pages_done / run.pages_total if run.pages_total else 0.0
    chunks = run.chunks_done / run.chunks_total if run.chunks_total else 0.0
    return min(99, int(EXTRACTION_SHARE * pages + (100 - EXTRACTION_SHARE) * chunks))


def _eta_s(run: Ingestion) -> float | None:
    """Seconds that the stage which counts still needs at the pace it had so far; None before there is a pace."""
    if run.status != Ingestion.Status.RUNNING:
        return None
    for stage, done, total in (
        ("embedding", run.chunks_done, run.chunks_total),
        ("extracting", run.pages_done, run.pages_total),
    ):
        spent: float | None = run.timings.get(stage)
        if spent and done and total:
            return round(spent / done * (total - done), 1)
    return None


def _failure(run: Ingestion) -> Failure | None:
    """The error that ended it, or for which it waits."""
    if not run.error_code:
        return None
    retryable = run.status == Ingestion.Status.FAILED and run.error_code not in NEEDS_ANOTHER_FILE
    return Failure(code=run.error_code, message=run.error_message, retryable=retryable)


def _timings(run: Ingestion) -> dict[str, float]:
    """Seconds: waiting in the queue, each stage of work, and from upload to end."""
    began = run.started_at or run.finished_at or timezone.now()
    timings = {"queued_s": round((began - run.created_at).total_seconds(), 3)}
    timings |= {f"{_NOUNS.get(stage, stage)}_s": seconds for stage, seconds in run.timings.items()}
    if run.finished_at:
        timings["total_s"] = round((run.finished_at - run.created_at).total_seconds(), 3)
    return timings


_NOUNS = {
    "downloading": "download",
    "extracting": "extract",
    "chunking": "chunk",
    "embedding": "embed",
    "indexing": "index",
}
