"""Celery's pool of processes, which has a successor for a process as soon as that one has ended."""

from __future__ import annotations

from typing import Any

from celery.concurrency import asynpool, prefork

LOOK_AGAIN_S = 0.02


class _Pool(asynpool.AsynPool):  # type: ignore[misc]  # Celery ships no types
    """A process that ends, as each does after QUIRE_WORKER_MAX_TASKS, closes its pipes before it can be waited for.

    Celery hears of the former, finds the process still there as often as not, and looks again within five seconds: so
    long a document waited that was to be the successor's.
    """

    def _event_process_exit(self, hub: Any, process: Any) -> None:
        super()._event_process_exit(hub, process)
        if self._state == asynpool.RUN and process in self._pool:
            hub.call_later(LOOK_AGAIN_S, self._event_process_exit, hub, process)


class TaskPool(prefork.TaskPool):  # type: ignore[misc]
    """For `pool_cls` of a Celery worker."""

    Pool = _Pool
