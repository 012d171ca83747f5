"""The job list: the tasks of the queue as the database knows them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from quire.api import paging
from quire.api.auth import caller_of
from quire.api.schemas import TaskList, TaskOut
from quire.documents import tasks
from quire.documents.models import Ingestion
from quire.documents.services import NotFoundError
from quire.documents.tasks import TaskStatus

router = Router(tags=["tasks"])


@router.get("", response=TaskList, summary="List tasks, the newest first")
def list_tasks(
    request: HttpRequest,
    status: TaskStatus | None = None,
    cursor: str = "",
    limit: paging.Limit = paging.PER_PAGE,
) -> TaskList:
    runs = tasks.runs_of(caller_of(request).tenant, status=status)
    found, following = paging.page(runs, cursor=cursor, limit=limit)
    return TaskList(results=[_task(run) for run in found], next=following)


@router.get("{uuid:task_id}/", response=TaskOut, summary="A task, its result or its error")
def get_task(request: HttpRequest, task_id: UUID) -> TaskOut:
    run = tasks.runs_of(caller_of(request).tenant).filter(task_id=task_id).first()
    if run is None:
        raise NotFoundError("task")
    return _task(run)


def _task(run: Ingestion) -> TaskOut:
    return TaskOut.model_validate(tasks.report(run), from_attributes=True)
