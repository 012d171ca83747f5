"""The rows behind a document.

Document ──< Ingestion (one run over one file) ──< Page
    │             │                             └──< Chunk
    └─ active_ingestion: the one whose chunks a search may show
Event: append-only history; Tombstone: a purged run that outside stores are asked to forget once more
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from quire.tenants.models import TenantModel, TenantQuerySet, User


class Status(models.TextChoices):
    """What a person and a program branch on."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DELETING = "deleting"


class DocumentQuerySet(TenantQuerySet):
    """Documents of one tenant."""

    def living(self) -> Self:
        """Without those being deleted, which exist for nobody but the collector."""
        return self.exclude(status=Status.DELETING)


class Document(TenantModel):
    """A file that a person gave us, under the name they gave it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    uploader = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=255)
    title = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROCESSING)
    sha256 = models.CharField(max_length=64)
    active_ingestion = models.OneToOneField(
        "Ingestion", on_delete=models.SET_NULL, null=True, blank=True, related_name="active_for"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Any]] = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "sha256"], condition=~Q(status="deleting"), name="document_content_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="document_newest")]

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    """What a person is shown while it runs."""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    EXTRACTING = "extracting"
    CHUNKING = "chunking"
    EMBEDDING = "embedding"
    INDEXING = "indexing"
    DONE = "done"


class Ingestion(TenantModel):
    """One run over one file. Its life is drawn in `lifecycle.py`; only functions there change its status."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        SUPERSEDED = "superseded"

    class Kind(models.TextChoices):
        UPLOAD = "upload"
        RETRY = "retry"
        REPLACE = "replace"
        REINDEX = "reindex"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="ingestions")
    version = models.PositiveIntegerField(default=1)
    """Order of the ingestions of a document: a later one wins, whichever ends first."""
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.UPLOAD)
    task_id = models.UUIDField(unique=True, default=uuid.uuid4)

    storage_key = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=100)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.QUEUED)
    generation = models.PositiveIntegerField(default=0)
    """Raised by every claim, sweep, replace and delete: a worker that holds an older one can change nothing."""
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    """Attempts that ended in a transient error: the fourth fails the document."""
    crash_count = models.PositiveSmallIntegerField(default=0)
    """Leases lost in a row without progress between them: the third fails the document."""
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.CharField(max_length=200, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    """When it was sent; nothing once it was handed back."""
    turn_at = models.DateTimeField(null=True, blank=True)
    """When it was sent last, whatever became of it: its tenant had a turn then."""

    title = models.CharField(max_length=500, blank=True)
    pages_total = models.PositiveIntegerField(null=True, blank=True)
    pages_done = models.PositiveIntegerField(default=0)
    chunks_total = models.PositiveIntegerField(null=True, blank=True)
    chunks_done = models.PositiveIntegerField(default=0)
    warnings = models.JSONField(default=list, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    timings = models.JSONField(default=dict, blank=True)
    """Seconds of work by stage, such as `{"extracting": 0.4}`, summed over attempts."""
    embedder_id = models.CharField(max_length=200, blank=True)
    dimensions = models.PositiveIntegerField(default=0)
    fingerprint = models.CharField(max_length=500, blank=True)
    """What made its pages and chunks: a resumed run under another one starts from the beginning."""

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(db_default=Now())
    """Its place in the line of its tenant: when it was queued, or gave way to others."""
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)
    """When its chunks, vectors and pages were seen to be gone."""
    reported_at = models.DateTimeField(null=True, blank=True)
    """When its failure was reported to Sentry."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(status__in=["queued", "running"]), name="ingestion_one_unfinished"
            ),
            models.UniqueConstraint(fields=["document", "version"], name="ingestion_version_once"),
        ]
        indexes = [
            models.Index(fields=["status", "next_attempt_at"], name="ingestion_due"),
            models.Index(fields=["status", "lease_expires_at"], name="ingestion_lease"),
            models.Index(fields=["tenant", "-created_at"], name="ingestion_newest"),
            models.Index(fields=["tenant", "-turn_at"], name="ingestion_last_turn"),
            models.Index(fields=["-finished_at"], name="ingestion_ended_last"),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} v{self.version} ({self.status})"

    @property
    def is_final(self) -> bool:
        return self.status not in {self.Status.QUEUED, self.Status.RUNNING}


class Page(models.Model):
    """One page of an ingestion as text; its fields mean what those of `core.types.Page` mean."""

    ingestion = models.ForeignKey(Ingestion, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=50, blank=True)
    text = models.TextField()
    origin = models.CharField(max_length=10)
    headings = models.JSONField(default=list)
    words = models.JSONField(default=list)
    runs = models.JSONField(default=list)
    margins = models.JSONField(default=list)
    size = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ingestion", "number"], name="page_once")]

    def __str__(self) -> str:
        return f"page {self.number}"


class ChunkQuerySet(TenantQuerySet):
    """Chunks of one tenant."""

    def visible(self) -> Self:
        """Only those of the active ingestion of a living document: what a search may show."""
        return self.filter(ingestion=F("ingestion__document__active_ingestion")).exclude(
            ingestion__document__status=Status.DELETING
        )


class Chunk(TenantModel):
    """A chunk of an ingestion; `id` is `uuid5(ingestion, ordinal)`, so that writing it twice makes one."""

    id = models.UUIDField(primary_key=True, editable=False)
    ingestion = models.ForeignKey(Ingestion, on_delete=models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    spans = models.JSONField()
    tokens = models.PositiveIntegerField()
    heading_path = models.JSONField(default=list)

    objects: ClassVar[models.Manager[Any]] = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ingestion", "ordinal"], name="chunk_once")]

    def __str__(self) -> str:
        return f"chunk {self.ordinal}"


def chunk_id(ingestion_id: uuid.UUID, ordinal: int) -> uuid.UUID:
    """The id of a chunk, the same each time it is made."""
    return uuid.uuid5(ingestion_id, str(ordinal))


class Event(TenantModel):
    """What happened, in order, never changed: the oracle of the crash tests and the log of a document's page."""

    document_id = models.UUIDField()
    ingestion_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=30)
    data: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["document_id", "id"], name="event_of_document"),
            models.Index(fields=["tenant", "id"], name="event_of_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.document_id}"


class Tombstone(TenantModel):
    """A purged run's traces outside: looked for again at `purge_at`, since a thawed worker may write after a purge."""

    ingestion_id = models.UUIDField(unique=True)
    document_id = models.UUIDField()
    storage_key = models.CharField(max_length=300)
    purge_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"tombstone of {self.ingestion_id}"
