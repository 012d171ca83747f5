"""The JSON that goes in and out, by noun."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from quire.core.types import Notice
from quire.documents.reports import DocumentReport, RunReport


def _storable(text: str) -> str:
    """JSON can say half a character (a lone surrogate) and NUL; no database keeps them."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("this holds NUL or half a character, which is no text")
    return text


IsText = AfterValidator(_storable)
"""Every text that comes in is held to it."""
Text = Annotated[str, IsText]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), IsText]
MAX_DOCUMENT_IDS = 1000
DocumentIds = Annotated[list[UUID], Field(min_length=1, max_length=MAX_DOCUMENT_IDS)]


class Input(Schema):
    """A body that comes in: a name nobody knows is a mistake, and said so."""

    model_config = ConfigDict(extra="forbid")


class ProblemOut(Schema):
    """RFC 9457, with a stable `code`."""

    type: str
    title: str
    status: int
    detail: str
    code: str


QUEUE_POSITION = (
    "Its place among the tenant's documents that wait for their turn, as the line stands: 1 is next. "
    "Other tenants have turns between"
)


class ProgressOut(Schema):
    percent: int = Field(description="0 to 99 while it runs, 100 when completed")
    pages_done: int
    pages_total: int | None
    chunks_done: int
    chunks_total: int | None
    eta_s: float | None = Field(
        description="Seconds that the present stage still needs, at its pace so far; while queued, until it is begun, "
        "by all tenants' lines and how long the last documents took; null while that is not known"
    )


class ErrorOut(Schema):
    code: str
    message: str
    retryable: bool


class RunOut(Schema):
    """One run over a file."""

    task_id: UUID
    status: Literal["queued", "running", "completed", "failed", "superseded"]
    stage: str
    progress: ProgressOut
    queue_position: int | None = Field(description=QUEUE_POSITION)
    attempts: int
    retry_at: datetime | None
    waiting_for: str
    error: ErrorOut | None
    warnings: list[str]
    timings: dict[str, float]


class DocumentOut(Schema):
    """A document as it stands."""

    id: UUID
    name: str
    title: str = Field(description="The title that the document states itself")
    file_id: str
    user_id: UUID | None
    media_type: str
    bytes: int
    sha256: str
    status: Literal["processing", "completed", "failed"]
    stage: str
    progress: ProgressOut
    queue_position: int | None = Field(description=QUEUE_POSITION)
    attempts: int
    retry_at: datetime | None
    waiting_for: str
    error: ErrorOut | None
    warnings: list[str]
    pages: int
    chunks: int
    timings: dict[str, float]
    task_id: UUID
    pending: RunOut | None = Field(description="A replacement or reindexing under way; the content answers until then")
    created_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, report: DocumentReport) -> DocumentOut:
        """The run's fields beside the document's own; `status` is the document's."""
        run = {name: value for name, value in _run_fields(report.run).items() if name in cls.model_fields}
        own = {name: getattr(report, name) for name in cls.model_fields if hasattr(report, name)}
        pending = RunOut(**_run_fields(report.pending)) if report.pending else None
        return cls(**run | own | {"pending": pending})


def _run_fields(run: RunReport) -> dict[str, Any]:
    return {name: getattr(run, name) for name in RunOut.model_fields}


class DocumentList(Schema):
    results: list[DocumentOut]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end")


class DocumentPatch(Input):
    name: Name


class DocumentsIn(Input):
    document_ids: DocumentIds


class DocumentsOut(Schema):
    document_ids: list[UUID]


class IngestOut(Schema):
    message: str
    task_id: UUID
    is_async: bool = Field(serialization_alias="async")
    duplicate: bool = False
    document: DocumentOut


class BoxOut(Schema):
    """`text[start:end]` of the page stands in a rectangle, in fractions of the page from its top left."""

    start: int
    end: int
    left: float
    top: float
    right: float
    bottom: float


class PageOut(Schema):
    number: int = Field(description="From 1, as a viewer counts")
    label: str = Field(description="The number printed by a viewer; empty when it equals `number`")
    text: str
    origin: Literal["text_layer", "ocr", "markup"]
    boxes: list[BoxOut] = Field(description="Of each word, or of one passage, where the file has pages to look at")


class TaskErrorOut(Schema):
    code: str
    message: str


class TaskOut(Schema):
    """One task of the queue, from the database, since results in Redis expire."""

    task_id: UUID
    name: str
    args: list[str] = Field(description="s3_key, user_id, document_id")
    status: Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
    result: dict[str, str] | None
    error: TaskErrorOut | None
    attempts: int
    document_id: UUID
    document_name: str
    kind: Literal["upload", "retry", "replace", "reindex"]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TaskList(Schema):
    results: list[TaskOut]
    next: str | None


class KeyIn(Input):
    name: Name = "API key"


class KeyOut(Schema):
    id: UUID
    name: str
    user_id: UUID = Field(description="Whom it speaks for")
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


class NewKeyOut(KeyOut):
    key: str = Field(description="The key itself: shown now and never again")


class KeyList(Schema):
    results: list[KeyOut]


class AskIn(Input):
    question: Text
    stream: bool = False
    conversation_id: UUID | None = Field(None, description="Go on with it; it keeps the documents that it is about")


class AskAllIn(AskIn):
    document_ids: DocumentIds | None = Field(
        None, description="All documents when left out, or those of a conversation"
    )


class CitationOut(Schema):
    number: int = Field(description="As printed in the answer, `[n]`")
    document_id: UUID
    document_name: str
    page: int
    quote: str
    boxes: list[BoxOut] = Field(description="Where the quote stands on the page, where that is known")
    chunk_id: UUID
    verified: bool = Field(description="The quote stands on the page word for word")


class NoticeOut(Schema):
    """What a person should know about how an answer was made."""

    code: Literal["model_failed", "answer_cut", "search_by_words"]
    message: str

    @classmethod
    def of(cls, notice: Notice | None) -> NoticeOut | None:
        return cls.model_validate(asdict(notice)) if notice else None


class AnswerOut(Schema):
    answer: str
    citations: list[CitationOut]
    grounded: bool = Field(description="False when the passages do not hold the answer, and the answer says so")
    model: str = Field(description="What worded it: `extractive` where the language model failed, too")
    notice: NoticeOut | None = Field(None, description="Set when the language model, or the search by meaning, failed")
    conversation_id: UUID | None = Field(
        description="Where it is kept; null when that was deleted meanwhile: the answer is kept nowhere"
    )
    timings: dict[str, float]


class SearchIn(Input):
    query: Text
    document_ids: DocumentIds | None = Field(None, description="All documents when left out")
    limit: int = Field(8, ge=1, le=100)


class HitOut(Schema):
    chunk_id: UUID
    document_id: UUID
    document_name: str
    page: int
    pages: list[int]
    text: str
    score: float


class SearchOut(Schema):
    hits: list[HitOut]


class ConversationIn(Input):
    title: Name = "New conversation"
    document_ids: DocumentIds | None = Field(None, description="All documents when left out")


class ConversationPatch(Input):
    title: Name


class ConversationOut(Schema):
    id: UUID
    title: str
    document_ids: list[UUID]
    created_at: datetime
    updated_at: datetime


class ConversationList(Schema):
    results: list[ConversationOut]
    next: str | None


class ExchangeOut(Schema):
    id: UUID
    question: str
    answer: str
    citations: list[CitationOut]
    grounded: bool
    model: str
    notice: NoticeOut | None = None
    timings: dict[str, float]
    created_at: datetime


class ConversationDetail(ConversationOut):
    exchanges: list[ExchangeOut]
