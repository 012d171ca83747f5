"""Which error is tried again: one table, of which the first row that fits decides.

a full PostgreSQL            waits until there may be room, burns no attempt
PermanentError               fails at once, with its sentence
RateLimited                  waits as long as it says, burns no attempt
TransientError               again after 2, 4, 8 s, then fails with its sentence
a database, a disk, a file   the same, with a sentence of ours
anything else                a bug of ours: the same, with an id that the log has too
"""

from __future__ import annotations

import errno
import logging
import uuid
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from quire.core.errors import QuireError, RateLimited, TransientError

log = logging.getLogger(__name__)

Row = tuple[type[Exception], Callable[[Exception], bool], TransientError]
"""The exception's class, a further condition, and what it becomes."""


def _always(_: Exception) -> bool:
    return True


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


_DATABASE = TransientError("The database could not be reached.", code="database_unavailable")
TABLE: tuple[Row, ...] = (
    (OperationalError, _always, _DATABASE),
    (InterfaceError, _always, _DATABASE),
    (
        FileNotFoundError,
        _always,
        TransientError("The stored file could not be found. Upload it again.", code="file_lost"),
    ),
    (OSError, _is_full, TransientError("There is no space left on our side.", code="disk_full")),
    (OSError, _always, TransientError("The stored file could not be read.", code="storage_unavailable")),
    (MemoryError, _always, TransientError("There was not enough memory on our side.", code="out_of_memory")),
)


_DISK_FULL = "53100"
"""As PostgreSQL calls it, which still takes the few bytes that the end of an attempt needs. A full SQLite takes
nothing: there the lease runs out, which counts no attempt either."""
_ROOM_S = 10


def classify(error: Exception) -> QuireError:
    """What became of an attempt that raised `error`: one of our own errors stays as it is."""
    if _is_from_full_database(error):
        room = RateLimited("The database's disk is full.", retry_after_s=_ROOM_S, waiting_for="room for the database")
        room.code, room.__cause__ = "disk_full", error
        return room
    if isinstance(error, QuireError):
        return error
    for kind, fits, becomes in TABLE:
        if isinstance(error, kind) and fits(error):
            return _of(error, becomes.message, code=becomes.code)
    error_id = uuid.uuid4().hex[:8]
    log.error("a bug, error id %s", error_id, exc_info=error)
    message = f"Something went wrong on our side (error {error_id}). Try again later, or tell us this number."
    return _of(error, message, code="internal_error")


def _is_from_full_database(error: BaseException) -> bool:
    """Or from an error of ours that a backend made of it."""
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "sqlstate", None) != _DISK_FULL:
        cause = cause.__cause__
    return cause is not None


def _of(cause: Exception, message: str, *, code: str) -> TransientError:
    error = TransientError(message, code=code)
    error.__cause__ = cause  # for the report of a document that fails with it
    return error
