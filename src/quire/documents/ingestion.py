"""One attempt at one document: claim it, run the pipeline, and end it as its outcome demands."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from quire import registry
from quire.core import pipeline
from quire.core.errors import LeaseLost, PermanentError, QuireError
from quire.core.ports import Cancellable, Extractor
from quire.documents import drain, lifecycle
from quire.documents.heartbeat import HandBack, Heartbeat
from quire.documents.lease import BegunAnew, Lease
from quire.documents.retry_classes import classify
from quire.documents.workspace import DatabaseWorkspace

log = logging.getLogger(__name__)

EXTRACTION_ID = "extract-2"
"""Raised when extraction would make other pages of the same file."""


class Result(StrEnum):
    """What became of an attempt."""

    COMPLETED = "completed"
    FAILED = "failed"
    PUT_BACK = "put back"
    HANDED_BACK = "handed back"
    NOTHING_TO_DO = "nothing to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of an attempt, with the error that ended it, if one did."""

    result: Result
    error: QuireError | None = None


def run(*, task_id: UUID, on_claim: Callable[[], None] = lambda: None) -> Outcome:
    """Work on the ingestion of this task, unless another does, or it is over, or it must wait.

    Safe to call any number of times: only one caller can hold the claim. `on_claim`, which must not raise, is called
    once it is held.
    """
    lease = (
        None if drain.is_begun() else lifecycle.claim(task_id=task_id, owner=f"{socket.gethostname()}:{os.getpid()}")
    )
    if lease is None:
        return Outcome(result=Result.NOTHING_TO_DO)
    on_claim()
    try:
        with Heartbeat(lease) as heartbeat:
            return _attempt(lease, heartbeat)
    except LeaseLost:
        log.warning("the lease of document %s was lost: nothing was changed", lease.document_id)
        return Outcome(result=Result.NOTHING_TO_DO)


def _attempt(lease: Lease, heartbeat: Heartbeat) -> Outcome:
    try:
        _work(lease, heartbeat)
        lifecycle.complete(lease)
    except LeaseLost:
        raise
    except BegunAnew:
        return Outcome(result=Result.HANDED_BACK)
    except HandBack as end:
        lifecycle.release(lease, gives_way=end.gives_way)
        return Outcome(result=Result.HANDED_BACK)
    except Exception as error:  # noqa: BLE001 - the table tells what each is, and what is a bug
        return _end(lease, classify(error))
    return Outcome(result=Result.COMPLETED)


def _end(lease: Lease, error: QuireError) -> Outcome:
    log.warning("document %s: %s: %s", lease.document_id, error.code, error.message)
    if isinstance(error, PermanentError):
        lifecycle.fail(lease, error)
        return Outcome(result=Result.FAILED, error=error)
    will_try_again = lifecycle.put_back(lease, error)
    return Outcome(result=Result.PUT_BACK if will_try_again else Result.FAILED, error=error)


def _work(lease: Lease, heartbeat: Heartbeat) -> None:
    chunker, embedder = registry.chunker(), registry.embedder()
    desk = DatabaseWorkspace(
        lease,
        vectors=registry.vector_store(),
        keywords=registry.keyword_index(),
        check=heartbeat.cancellation.check,
        on_step=heartbeat.step,
    )
    desk.bind(
        fingerprint=f"{EXTRACTION_ID}|{chunker.id}|{embedder.id}",
        embedder_id=embedder.id,
        dimensions=embedder.dimensions,
    )
    pipeline.process(desk, extractor=_extractor(heartbeat), chunker=chunker, embedder=embedder)


def _extractor(heartbeat: Heartbeat) -> Extractor:
    extractor = registry.extractor()
    return extractor.until(heartbeat.cancellation) if isinstance(extractor, Cancellable) else extractor
