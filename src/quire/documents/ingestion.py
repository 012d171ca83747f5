"""One attempt at one document: claim it, run the pipeline, and end it as its outcome demands."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import connections

from quire import registry
from quire.core import pipeline
from quire.core.errors import LeaseLost, PermanentError, QuireError
from quire.documents import drain, lifecycle
from quire.documents.lease import Lease
from quire.documents.retry_classes import classify
from quire.documents.workspace import DatabaseWorkspace

log = logging.getLogger(__name__)

EXTRACTION_ID = "extract-2"
"""Raised when extraction would make other pages of the same file."""


class HandBack(Exception):
    """This attempt ends here, unfinished and unmarked; another goes on from the last saved batch."""

    def __init__(self, *, gives_way: bool) -> None:
        super().__init__()
        self.gives_way = gives_way


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


def run(*, task_id: UUID) -> Outcome:
    """Work on the ingestion of this task, unless another does, or it is over, or it must wait.

    Safe to call any number of times: only one caller can hold the claim.
    """
    lease = (
        None if drain.is_begun() else lifecycle.claim(task_id=task_id, owner=f"{socket.gethostname()}:{os.getpid()}")
    )
    if lease is None:
        return Outcome(result=Result.NOTHING_TO_DO)
    try:
        with Heartbeat(lease) as heartbeat:
            return _attempt(lease, heartbeat)
    except LeaseLost:
        log.warning("document %s was taken over: nothing was changed", lease.document_id)
        return Outcome(result=Result.NOTHING_TO_DO)


def _attempt(lease: Lease, heartbeat: Heartbeat) -> Outcome:
    try:
        _work(lease, heartbeat)
        lifecycle.complete(lease)
    except LeaseLost:
        raise
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
    extractor, chunker, embedder = registry.extractor(), registry.chunker(), registry.embedder()
    desk = DatabaseWorkspace(
        lease, vectors=registry.vector_store(), keywords=registry.keyword_index(), on_step=heartbeat.step
    )
    desk.bind(
        fingerprint=f"{EXTRACTION_ID}|{chunker.id}|{embedder.id}",
        embedder_id=embedder.id,
        dimensions=embedder.dimensions,
    )
    pipeline.process(desk, extractor=extractor, chunker=chunker, embedder=embedder)


class Heartbeat:
    """Renews a lease from a thread of its own, for as long as the work moves: a stalled one is left to expire."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._began_at = self._moved_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def step(self, is_saved: bool) -> None:
        """The work has moved on; `is_saved`: by pages or chunks, which the next attempt need not make again.

        Raises `HandBack` when the worker stops, or, but only after something was saved, when it is others' turn.
        """
        self._moved_at = time.monotonic()
        if drain.is_begun():
            raise HandBack(gives_way=False)
        if is_saved and self._moved_at - self._began_at > settings.ENV.slice_s and lifecycle.others_wait():
            raise HandBack(gives_way=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(settings.ENV.heartbeat_s) and self._is_moving():
            try:
                if not lifecycle.renew(self._lease):
                    break
            except Exception as error:  # noqa: BLE001 - the lease has room for a beat that failed: the next may do
                log.warning("a heartbeat of document %s failed: %s", self._lease.document_id, error)
                connections.close_all()
        connections.close_all()

    def _is_moving(self) -> bool:
        return time.monotonic() - self._moved_at < settings.ENV.stall_s
