"""Sends what is due to the workers, takes back what they dropped, and removes what nobody needs any more.

`dispatch` is called after a commit that queued something, after a finished task, and in a loop by the dispatcher
process, of which any number may run. The row is the queue and a message only a hint: whatever is due and not
claimed is sent again, so that a wiped Redis costs seconds and no document.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection, connections, transaction
from django.db.models import Exists, Q, QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerError

from quire.celery import sender
from quire.documents import collector, lifecycle, turns
from quire.documents.models import Ingestion

log = logging.getLogger(__name__)

TASK = "quire.api.tasks.process_document"
MAX_SENT = 2
"""Documents that were sent and not begun: few, since whose turn it is is decided when one is sent, so that a tenant's
one document waits for two of another's at most. A worker that begins one sends the next."""
TAKEN_WITHIN_S = 3
"""A message that is not in Redis is on its way for so long: a worker took it and has not begun, or it is lost."""
RESEND_AFTER_S = 10
"""A message may be taken as lost after so long; one that was only slow finds nothing to claim."""
TICK_S = 0.5
COLLECT_EVERY_S = 10
COLLECT_ON_AFTER_S = 0.2
"""While there is more to remove: a pause between two batches, in which others get at SQLite's only lock."""

_TURNS = 7_847_320
"""A number of PostgreSQL's advisory locks; `ops.database` has another."""

Job = Callable[[], int]
"""Something done again and again; how much of it there was is for tests and logs."""


def dispatch() -> int:
    """Send what is due, the tenants taking turns. Returns how many were sent; a dead Redis sends none, and no error.

    What was sent is sent again only while Redis holds fewer messages than rows say, so that its list never grows
    while the workers are busy or away.
    """
    waiting = Ingestion.objects.filter(turns.WAITING)
    due = waiting.filter(Q(dispatched_at=None) | Q(dispatched_at__lt=lifecycle.in_s(-RESEND_AFTER_S)))
    in_queue = _messages_in_queue() if due.exists() else None
    if in_queue is None or in_queue >= MAX_SENT:
        return 0
    if waiting.exclude(dispatched_at=None).count() <= in_queue:  # none was lost
        due = due.filter(dispatched_at=None)
    count = 0
    for ingestion in turns.next_in_line(due, count=MAX_SENT - in_queue):
        if _take_turn(due.filter(id=ingestion.id)):
            if not _send(ingestion):
                break
            count += 1
    return count


def _take_turn(due: QuerySet[Ingestion]) -> bool:
    """Note that this one is sent, unless another dispatcher has, or as many are on their way as may be."""
    on_their_way = Ingestion.objects.filter(turns.SENT, dispatched_at__gte=lifecycle.in_s(-TAKEN_WITHIN_S))
    is_full = Exists(on_their_way.order_by()[MAX_SENT - 1 : MAX_SENT])
    with transaction.atomic():
        _wait_for_others()
        return bool(due.filter(~is_full).update(dispatched_at=Now(), turn_at=Now()))


def _wait_for_others() -> None:
    """Until this transaction ends no other counts what is on its way: of two at once neither would see the other's.

    On SQLite the UPDATE itself waits for whoever writes, and counts after that."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURNS])


def dispatch_soon() -> None:
    """Dispatch once the caller's transaction is committed. Never raises: what it could not send is sent later."""
    transaction.on_commit(dispatch, robust=True)


def run(*, stop: threading.Event, also: Mapping[Job, float], collect_every_s: float = COLLECT_EVERY_S) -> None:
    """The dispatcher process: until `stop` is set, send, sweep and collect, and `also` other jobs, each every so many
    seconds.

    Each in a thread of its own: a purge that waits for a slow store must not keep the others from their time.
    """
    jobs: dict[Job, float] = {dispatch: TICK_S, lifecycle.sweep: settings.ENV.sweep_s, **also}
    threads = [
        threading.Thread(target=_repeat, args=(job, every_s, stop), name=job.__name__) for job, every_s in jobs.items()
    ]
    threads.append(threading.Thread(target=_collect, args=(collect_every_s, stop), name="collect"))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _repeat(job: Job, every_s: float, stop: threading.Event) -> None:
    while not stop.is_set():
        _try(job)
        stop.wait(every_s)
    connections.close_all()


def _collect(every_s: float, stop: threading.Event) -> None:
    """Batch after batch for as long as something is removed: who deletes thousands waits minutes, not hours."""
    while not stop.is_set():
        count = _try(collector.collect)
        stop.wait(COLLECT_ON_AFTER_S if count else every_s)
    connections.close_all()


def _try(job: Job) -> int:
    close_old_connections()
    try:
        return job()
    except (InterfaceError, OperationalError) as error:
        log.warning("%s: the database could not be reached: %s", job.__name__, error)
        connections.close_all()
    except Exception:
        # One bad row must not end the process that every other document waits for.
        log.exception("%s failed", job.__name__)
    return 0


def _messages_in_queue() -> int | None:
    """How many messages no worker has taken yet; None when Redis cannot be asked."""
    try:
        # Whatever the transport raises comes out as one error, as it does from `send_task`.
        with sender.pool.acquire(block=True) as connection, connection._reraise_as_library_errors():
            queue = sender.amqp.queues[sender.conf.task_default_queue](connection.default_channel)
            count: int = queue.queue_declare().message_count
            return count
    except BrokerError as error:
        log.warning("Redis could not be reached: %s", error)
        return None


def _send(ingestion: Ingestion) -> bool:
    arguments = [ingestion.storage_key, str(ingestion.document.uploader_id), str(ingestion.document_id)]
    try:
        sender.send_task(TASK, args=arguments, task_id=str(ingestion.task_id), retry=False)
    except BrokerError as error:
        log.warning("Redis could not be reached, document %s is sent later: %s", ingestion.document_id, error)
        Ingestion.objects.filter(id=ingestion.id, status=Ingestion.Status.QUEUED).update(dispatched_at=None)
        return False
    return True
