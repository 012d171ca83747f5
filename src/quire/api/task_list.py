"""The job list: the tasks of the queue as the database knows them, since results in Redis expire."""

from __future__ import annotations

from typing import Literal, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Router

from quire.api import paging
from quire.api.auth import caller_of
from quire.api.schemas import TaskErrorOut, TaskList, TaskOut
from quire.documents.dispatcher import TASK
from quire.documents.models import Ingestion, Status
from quire.documents.services import NotFoundError
from quire.tenants.models import Tenant

router = Router(tags=["tasks"])

TaskStatus = Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
Kind = Literal["upload", "retry", "replace", "reindex"]
_CELERY_STATUS: dict[str, TaskStatus] = {
    Ingestion.Status.QUEUED: "PENDING",
    Ingestion.Status.RUNNING: "STARTED",
    Ingestion.Status.COMPLETED: "SUCCESS",
    Ingestion.Status.FAILED: "FAILURE",
    Ingestion.Status.SUPERSEDED: "REVOKED",
}
_HAS_FAILED_BEFORE = ~Q(error_code="")


@router.get("", response=TaskList, summary="List tasks, the newest first")
def list_tasks(
    request: HttpRequest,
    status: TaskStatus | None = None,
    cursor: str = "",
    limit: paging.Limit = paging.PER_PAGE,
) -> TaskList:
    runs = runs_of(caller_of(request).tenant)
    if status:
        runs = runs.filter(_in_status(status))
    found, following = paging.page(runs, cursor=cursor, limit=limit)
    return TaskList(results=[task_of(run) for run in found], next=following)


@router.get("{uuid:task_id}/", response=TaskOut, summary="A task, its result or its error")
def get_task(request: HttpRequest, task_id: UUID) -> TaskOut:
    run = runs_of(caller_of(request).tenant).filter(task_id=task_id).first()
    if run is None:
        raise NotFoundError("task")
    return task_of(run)


def runs_of(tenant: Tenant) -> QuerySet[Ingestion]:
    """The runs of a tenant's living documents: each is a task of the queue."""
    runs: QuerySet[Ingestion] = Ingestion.objects.for_tenant(tenant).select_related("document")
    return runs.exclude(document__status=Status.DELETING)


def _in_status(status: TaskStatus) -> Q:
    """PENDING and RETRY are both queued; an error tells them apart."""
    if status == "RETRY":
        return Q(status=Ingestion.Status.QUEUED) & _HAS_FAILED_BEFORE
    wanted = Q(status=next(ours for ours, theirs in _CELERY_STATUS.items() if theirs == status))
    return wanted & ~_HAS_FAILED_BEFORE if status == "PENDING" else wanted


def task_of(run: Ingestion) -> TaskOut:
    """A run in Celery's words."""
    status = _CELERY_STATUS[run.status]
    if status == "PENDING" and run.error_code:
        status = "RETRY"
    result = {"document_id": str(run.document_id), "status": "completed"} if status == "SUCCESS" else None
    return TaskOut(
        task_id=run.task_id,
        name=TASK,
        args=[run.storage_key, str(run.document.uploader_id), str(run.document_id)],
        status=status,
        result=result,
        error=TaskErrorOut(code=run.error_code, message=run.error_message) if run.error_code else None,
        attempts=run.attempts,
        document_id=run.document_id,
        document_name=run.document.name,
        kind=cast(Kind, run.kind),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
