"""Keeps a lease for as long as the work moves, and stops the work, whatever it waits for, when the lease is lost."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connections

from quire.core.cancellation import Cancellation
from quire.documents import drain, lifecycle
from quire.documents.lease import Lease

log = logging.getLogger(__name__)


class HandBack(Exception):
    """This attempt ends here, unfinished and unmarked; another goes on from the last saved batch."""

    def __init__(self, *, gives_way: bool) -> None:
        super().__init__()
        self.gives_way = gives_way


class Heartbeat:
    """Renews a lease from a thread of its own. One that is gone, or whose work has stalled and which is therefore left
    to expire, cancels `cancellation`: a parser's child dies then, and the run ends with `LeaseLost`."""

    def __init__(self, lease: Lease) -> None:
        self.cancellation = Cancellation(on_move=self._move)
        self._lease = lease
        self._began_at = self._moved_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def step(self, is_saved: bool) -> None:
        """The work has moved on; `is_saved`: by pages or chunks, which the next attempt need not make again.

        Raises `HandBack` when the worker stops, or, but only after something was saved, when it is others' turn.
        """
        self._move()
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
        self.cancellation.__exit__(kind, error, tb)

    def _move(self) -> None:
        self._moved_at = time.monotonic()

    def _beat(self) -> None:
        while not self._stop.wait(settings.ENV.heartbeat_s):
            if not (self._is_moving() and self._is_renewed()):
                self.cancellation.cancel()
                break
        connections.close_all()

    def _is_moving(self) -> bool:
        still_s = time.monotonic() - self._moved_at
        if still_s > settings.ENV.stall_s:
            log.warning("document %s has not moved for %.0f s: it is given up", self._lease.document_id, still_s)
        return still_s <= settings.ENV.stall_s

    def _is_renewed(self) -> bool:
        try:
            return lifecycle.renew(self._lease)
        except Exception as error:  # noqa: BLE001 - the lease has room for a beat that failed: the next may do
            log.warning("a heartbeat of document %s failed: %s", self._lease.document_id, error)
            connections.close_all()
            return True
