"""The documents' files, in whatever storage the settings name: put, fetched and checked, handed out, removed.

Storage keys belong to an ingestion and begin with its tenant: `<tenant>/<random>`, which says nothing of the file. A
row is made after its file is kept, so that no document lacks one; what a failure leaves without a row is remembered
by a tombstone, and removed with those of deleted documents.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import DatabaseError

from quire.core.errors import QuireError, RateLimited, TransientError
from quire.core.ports import FileStore
from quire.documents import lifecycle
from quire.documents.connections import release_connections
from quire.documents.models import Ingestion, Tombstone
from quire.tenants.models import Tenant

log = logging.getLogger(__name__)

LOOK_AGAIN_AFTER_S = 3600
PIECE_BYTES = 1 << 20
PROBE = b"quire"
UNAVAILABLE = "storage_unavailable"
DAMAGED = "The stored file is not the one that was uploaded. Upload it again."


def store(tenant: Tenant, path: Path) -> str:
    """Keep the file at `path` and return its storage key. `TransientError("storage_unavailable")`: nothing is kept."""
    key = f"{tenant.id}/{uuid.uuid4()}"
    release_connections()  # a storage that hangs must not keep from the database those who need no file
    try:
        with path.open("rb") as file:
            return storages["default"].save(key, File(file))
    except Exception as error:
        log.exception("a file could not be stored")
        discard(tenant, key)  # what was written before the disk was full, or the answer lost
        raise _unavailable("The file could not be stored, and nothing was kept. Try again soon.", error) from error


def discard(tenant: Tenant, key: str) -> None:
    """Delete a file that no row names: a commit may have succeeded although its caller saw an error."""
    try:
        remove_unowned(key)
    except Exception:
        log.exception("the file %s may have been left without a document", key)
        _remember(tenant, key)


def fetch(ingestion: Ingestion, target: IO[bytes]) -> None:
    """Write the file of this run to `target`. `TransientError("file_damaged")` when it is not what was uploaded."""
    release_connections()
    storage = storages["default"]
    if isinstance(storage, FileStore):
        storage.download(ingestion.storage_key, target)
    else:
        with storage.open(ingestion.storage_key) as stored:
            shutil.copyfileobj(stored, target, PIECE_BYTES)
    target.flush()
    target.seek(0)
    if hashlib.file_digest(target, "sha256").hexdigest() != ingestion.sha256:  # type: ignore[arg-type]  # IO is readable
        raise TransientError(DAMAGED, code="file_damaged")


def open_stream(ingestion: Ingestion) -> File[bytes]:
    """The file, to be read once, from its beginning. `TransientError` when the storage does not answer."""
    release_connections()
    with _for_people():
        return storages["default"].open(ingestion.storage_key)


def link(ingestion: Ingestion, *, file_name: str) -> str | None:
    """Where a browser may fetch the file for a short time; None when it has to come from us."""
    storage = storages["default"]
    if not isinstance(storage, FileStore):
        return None
    with _for_people():
        return storage.link(ingestion.storage_key, file_name=file_name)


def remove(key: str) -> None:
    """Delete a file and see that it is gone. None there is no error."""
    storage = storages["default"]
    storage.delete(key)
    if storage.exists(key):
        raise TransientError(f"The file {key} was deleted, and is still there.", code=UNAVAILABLE)


def remove_unowned(key: str) -> None:
    """The same, unless a row names the file."""
    if not Ingestion.objects.filter(storage_key=key).exists():
        remove(key)


def walk() -> Iterator[tuple[str, datetime]]:
    """The key of each file, and when it was written."""
    storage = storages["default"]
    yield from storage.walk() if isinstance(storage, FileStore) else _walk(storage, "")


def reach() -> None:
    """See that uploads can be kept, or raise what is in the way."""
    storage = storages["default"]
    if isinstance(storage, FileStore):
        storage.reach()
    else:
        probe()  # a full or read-only disk still answers


def probe() -> bool:
    """Write a few bytes, read and delete them. Whether they were read as they were written."""
    storage = storages["default"]
    key = storage.save(f"probe/{uuid.uuid4()}", ContentFile(PROBE))
    try:
        with storage.open(key) as file:
            return bool(file.read() == PROBE)
    finally:
        remove(key)


def _remember(tenant: Tenant, key: str) -> None:
    """Have the collector look for a file that could not be deleted."""
    with suppress(DatabaseError):  # then it is for `quire audit`
        Tombstone.objects.create(
            ingestion_id=uuid.uuid4(),  # of no run: there is nothing of it but the file
            document_id=uuid.uuid4(),
            tenant_id=tenant.id,
            storage_key=key,
            purge_at=lifecycle.in_s(LOOK_AGAIN_AFTER_S),
        )


def _walk(storage: Storage, folder: str) -> Iterator[tuple[str, datetime]]:
    prefix = f"{folder}/" if folder else ""
    folders: list[str] = []
    names: list[str] = []
    with suppress(FileNotFoundError):
        folders, names = storage.listdir(folder)
    for name in names:
        with suppress(FileNotFoundError):  # deleted meanwhile
            yield prefix + name, storage.get_modified_time(prefix + name)
    for name in folders:
        yield from _walk(storage, prefix + name)


@contextmanager
def _for_people() -> Iterator[None]:
    """Whoever asks for a file cannot mend the storage: to them it does not answer at present."""
    try:
        yield
    except (QuireError, OSError) as error:
        log.error("a file could not be read: %s", error)
        raise _unavailable("The file cannot be read at present. Try again soon.", error) from error


def _unavailable(message: str, error: Exception) -> TransientError:
    if isinstance(error, RateLimited):
        return RateLimited(message, retry_after_s=error.retry_after_s, waiting_for=error.waiting_for)
    return TransientError(message, code=UNAVAILABLE)
