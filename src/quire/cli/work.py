"""Runs a Celery worker as Quire wants it."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import uuid
from socket import gethostname
from typing import Any

from celery.signals import setup_logging, worker_process_init, worker_shutting_down
from celery.utils.nodenames import nodename
from django.conf import settings

from quire import registry
from quire.celery import app
from quire.cli.pool import TaskPool
from quire.documents import drain
from quire.ops import database
from quire.ops.supervisor.tether import tie_to

QUIET = {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1", "TOKENIZERS_PARALLELISM": "false"}
"""A pool process is one thread's worth of work: more would fight over the same cores."""


def worker(*, concurrency: int | None) -> None:
    """Work until SIGTERM, then finish what runs."""
    os.environ.update(QUIET)
    gc.disable()  # while modules load it would look through all of them, again and again
    preload()
    gc.freeze()  # the pool shares their memory as long as nobody writes there, and the collector marks what it visits
    gc.enable()
    database.disconnect()  # the checks at the start have used it, and a pool's threads and sockets are no fork's
    _tie_pool_processes(os.getpid())
    worker_process_init.connect(_warm_up, weak=False)
    worker_shutting_down.connect(_hand_back)
    setup_logging.connect(_keep_logging)
    processes = concurrency or settings.CELERY_WORKER_CONCURRENCY
    # Not `app.worker_main`: Celery's command line imports every plugin it finds, Flower and a shell among them, and
    # costs a second at each start. Nor Celery's checks, which load the pages: `quire up` and the web make them.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    celery_worker = app.Worker(
        hostname=nodename(f"quire-{uuid.uuid4().hex[:8]}", gethostname()),
        concurrency=processes,
        pool_cls=TaskPool,
        quiet=True,  # no banner
        without_gossip=True,
        without_mingle=True,
    )
    celery_worker.start()
    sys.exit(celery_worker.exitcode)


def preload() -> None:
    """Import the backends, and with them their libraries, before the pool forks: its processes share that memory.

    Modules and spaCy's rules only: sessions of models have threads, which no fork copies; each process makes its own.
    """
    for role, (path, _) in settings.QUIRE_BACKENDS.items():
        if role not in {"chat_model", "chat_limiter"}:
            importlib.import_module(path.rpartition(".")[0])
    registry.sentence_splitter()("Loads its rules. Once.")


def _tie_pool_processes(parent_pid: int) -> None:
    """A worker that is killed leaves its pool alone in the world, working on; so its processes go with it."""

    def tie(**_: Any) -> None:
        tie_to(parent_pid)

    worker_process_init.connect(tie, weak=False)


def _warm_up(**_: Any) -> None:
    """Start in each pool process what its first document would wait for."""
    # In a thread: Celery gives up a pool process that is not ready within four seconds.
    threading.Thread(target=registry.warm_up, name="warm-up", daemon=True).start()


def _hand_back(**_: Any) -> None:
    drain.begin()


def _keep_logging(**_: Any) -> None:
    """Whoever listens to this signal keeps Celery from setting logging up: Django's settings have done so."""
