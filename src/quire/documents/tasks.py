"""The runs of documents as tasks of the queue: in Celery's words, from the database, since results in Redis expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import Q, QuerySet

from quire.documents.dispatcher import TASK
from quire.documents.models import Ingestion, Status
from quire.tenants.models import Tenant

TaskStatus = Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
_CELERY_STATUS: dict[str, TaskStatus] = {
    Ingestion.Status.QUEUED: "PENDING",
    Ingestion.Status.RUNNING: "STARTED",
    Ingestion.Status.COMPLETED: "SUCCESS",
    Ingestion.Status.FAILED: "FAILURE",
    Ingestion.Status.SUPERSEDED: "REVOKED",
}
_HAS_FAILED_BEFORE = ~Q(error_code="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskError:
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What a task was asked to do, and how it stands. `args`: s3_key, user_id, document_id."""

    task_id: UUID
    name: str
    args: list[str]
    status: TaskStatus
    result: dict[str, str] | None
    error: TaskError | None
    attempts: int
    document_id: UUID
    document_name: str
    kind: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def runs_of(tenant: Tenant, *, status: TaskStatus | None = None) -> QuerySet[Ingestion]:
    """The runs of a tenant's living documents: each is a task of the queue."""
    runs: QuerySet[Ingestion] = Ingestion.objects.for_tenant(tenant).select_related("document")
    runs = runs.exclude(document__status=Status.DELETING)
    return runs.filter(_in_status(status)) if status else runs


def report(run: Ingestion) -> TaskReport:
    """A run in Celery's words; its document has been fetched with it."""
    status = _CELERY_STATUS[run.status]
    if status == "PENDING" and run.error_code:
        status = "RETRY"
    result = {"document_id": str(run.document_id), "status": "completed"} if status == "SUCCESS" else None
    return TaskReport(
        task_id=run.task_id,
        name=TASK,
        args=[run.storage_key, str(run.document.uploader_id), str(run.document_id)],
        status=status,
        result=result,
        error=TaskError(code=run.error_code, message=run.error_message) if run.error_code else None,
        attempts=run.attempts,
        document_id=run.document_id,
        document_name=run.document.name,
        kind=run.kind,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _in_status(status: TaskStatus) -> Q:
    """PENDING and RETRY are both queued; an error tells them apart."""
    if status == "RETRY":
        return Q(status=Ingestion.Status.QUEUED) & _HAS_FAILED_BEFORE
    wanted = Q(status=next(ours for ours, theirs in _CELERY_STATUS.items() if theirs == status))
    return wanted & ~_HAS_FAILED_BEFORE if status == "PENDING" else wanted
