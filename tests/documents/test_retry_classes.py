"""The table of what is tried again, row by row, by what becomes of a document."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from django.db import InterfaceError, OperationalError
from psycopg.errors import DiskFull

from quire.core.errors import PermanentError, RateLimited, TransientError
from quire.documents import ingestion
from quire.documents.ingestion import Result
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.testing.extractor import ScriptedExtractor

Submit = Callable[..., Submission]


def full(error: Exception) -> Exception:
    """As Django, or a backend of ours, raises what PostgreSQL says about its disk."""
    error.__cause__ = DiskFull("could not extend file: No space left on device")
    return error


ROWS = [
    (PermanentError("Broken.", code="corrupt_file"), Result.FAILED, "corrupt_file", 0),
    (RateLimited("Wait.", retry_after_s=60), Result.PUT_BACK, "rate_limited", 0),
    (TransientError("Away.", code="storage_unavailable"), Result.PUT_BACK, "storage_unavailable", 1),
    (OperationalError("database is locked"), Result.PUT_BACK, "database_unavailable", 1),
    (full(OperationalError("could not extend file")), Result.PUT_BACK, "disk_full", 0),
    (full(TransientError("Did not answer.", code="database_unavailable")), Result.PUT_BACK, "disk_full", 0),
    (InterfaceError("connection already closed"), Result.PUT_BACK, "database_unavailable", 1),
    (FileNotFoundError(errno.ENOENT, "gone"), Result.PUT_BACK, "file_lost", 1),
    (OSError(errno.ENOSPC, "full"), Result.PUT_BACK, "disk_full", 1),
    (OSError(errno.EIO, "broken disk"), Result.PUT_BACK, "storage_unavailable", 1),
    (MemoryError(), Result.PUT_BACK, "out_of_memory", 1),
    (ZeroDivisionError(), Result.PUT_BACK, "internal_error", 1),
]


@pytest.mark.parametrize(("error", "result", "code", "attempts"), ROWS, ids=lambda value: type(value).__name__)
def test_each_class_of_error_ends_an_attempt_as_the_table_says(
    submit: Submit, extractor: ScriptedExtractor, error: Exception, result: Result, code: str, attempts: int
) -> None:
    extractor.failures[1] = [error]
    submission = submit()
    assert ingestion.run(task_id=submission.ingestion.task_id).result is result
    row = Ingestion.objects.get()
    assert (row.error_code, row.attempts) == (code, attempts)
    assert row.error_message.endswith(".")
