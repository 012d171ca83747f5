"""The file of a run under a name of this machine, for what opens files by name; a bucket's are kept for a while."""

from __future__ import annotations

import tempfile
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.files.storage import storages

from quire.core.ports import FileStore
from quire.documents import files
from quire.documents.models import Ingestion

MOST_BYTES = 512 * 2**20
"""Kept by one process. One larger file is fetched each time."""
KEPT_S = 300


@dataclass(slots=True, weakref_slot=True, eq=False, kw_only=True)
class _Copy:
    """It is gone from the disk when nobody refers to it any more."""

    file: IO[bytes]
    size_bytes: int
    used_at: float

    def __post_init__(self) -> None:
        # Not in `__del__`: where an error's traceback refers to this in a circle, the file could be collected first.
        weakref.finalize(self, self.file.close)


_copies: OrderedDict[str, _Copy] = OrderedDict()
"""By storage key, which is one content's for ever; the one used last at the end."""
_lock = threading.Lock()


@contextmanager
def local_copy(ingestion: Ingestion) -> Iterator[Path]:
    """Where the file lies, for the time of the block. `TransientError` when the storage does not answer."""
    storage = storages["default"]
    if not isinstance(storage, FileStore):
        yield Path(storage.path(ingestion.storage_key))
        return
    copy = _kept(ingestion.storage_key) or _fetched(ingestion)
    yield Path(copy.file.name)


def _kept(key: str) -> _Copy | None:
    with _lock:
        _forget_old()
        if copy := _copies.get(key):
            copy.used_at = time.monotonic()
            _copies.move_to_end(key)
        return copy


def _fetched(ingestion: Ingestion) -> _Copy:
    file = tempfile.NamedTemporaryFile(prefix="quire-page-")  # noqa: SIM115 - it lives as long as it is referred to
    copy = _Copy(file=file, size_bytes=ingestion.bytes, used_at=time.monotonic())
    files.fetch(ingestion, file)
    with _lock:
        _copies[ingestion.storage_key] = copy
        _forget_old()
    return copy


def _forget_old() -> None:
    oldest = time.monotonic() - KEPT_S
    while _copies and (
        sum(copy.size_bytes for copy in _copies.values()) > MOST_BYTES or next(iter(_copies.values())).used_at < oldest
    ):
        _copies.popitem(last=False)
