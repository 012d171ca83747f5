"""The doors of the queue. A task carries ids only; the row it finds by its own id is the truth."""

from __future__ import annotations

import os
import socket
from typing import Any
from uuid import UUID

from celery import Task
from celery.exceptions import Ignore

from quire.celery import app
from quire.core.errors import QuireError
from quire.documents import dispatcher, ingestion
from quire.documents.ingestion import Result
from quire.ops import error_reports


@app.task(bind=True, throws=(QuireError,))  # type: ignore[untyped-decorator]  # Celery ships no types
def process_document(self: Task, s3_key: str, user_id: str, document_id: str) -> dict[str, Any]:
    """Take a document from its file to its index. The arguments are for whoever reads a queue or Flower.

    A message that finds nothing to claim, because it came twice, leaves what Celery knows of the task alone.
    """
    # Once this one is begun there is room for the next. No sooner: what is sent, others can no longer go before.
    outcome = ingestion.run(task_id=UUID(self.request.id), on_claim=dispatcher.dispatch_soon)
    dispatcher.dispatch_soon()
    if outcome.result is Result.NOTHING_TO_DO:
        raise Ignore
    if outcome.result is Result.HANDED_BACK:
        self.update_state(state="PENDING")
        raise Ignore
    if outcome.result is Result.PUT_BACK:
        # The error itself: Celery reads what it keeps of a RETRY as one before each attempt, and a text breaks it.
        self.update_state(state="RETRY", meta=outcome.error)
        raise Ignore
    if outcome.error:
        error_reports.report(task_id=UUID(self.request.id), error=outcome.error)
        raise outcome.error
    return {"document_id": document_id, "status": outcome.result.value}


@app.task  # type: ignore[untyped-decorator]
def test_celery() -> str:
    """Answer from a worker, to see that queue, worker and result backend work together."""
    return f"Celery works: {socket.gethostname()}, process {os.getpid()}"
