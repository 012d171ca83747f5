"""The file of a run under a name of this machine, for what opens files by name; a bucket's are kept for a while."""

from __future__ import annotations

import tempfile
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator
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
class Copy:
    """It is gone from the disk when nobody refers to it any more."""

    file: IO[bytes]
    size_bytes: int
    used_at: float

    def __post_init__(self) -> None:
        # Not in `__del__`: where an error's traceback refers to this in a circle, the file could be collected first.
        weakref.finalize(self, self.file.close)


class Copies:
    """Files by storage key, which is one content's for ever; each is forgotten `kept_s` after it was used last."""

    def __init__(self, *, most_bytes: int, kept_s: float) -> None:
        self._most_bytes = most_bytes
        self._kept_s = kept_s
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        """The one used last at the end."""
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def find(self, key: str) -> Copy | None:
        with self._lock:
            self._forget_old()
            if copy := self._copies.get(key):
                copy.used_at = time.monotonic()
                self._copies.move_to_end(key)
            return copy

    def keep(self, key: str, copy: Copy) -> None:
        with self._lock:
            self._copies[key] = copy
            self._forget_old()
            self._look_later()

    def forget(self, keys: Iterable[str]) -> None:
        """Drop them now; who reads one at this moment has it to the end."""
        with self._lock:
            for key in keys:
                self._copies.pop(key, None)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self._kept_s
        while self._copies and (self._bytes() > self._most_bytes or self._first().used_at <= oldest):
            self._copies.popitem(last=False)

    def _look_later(self) -> None:
        """Look when the first is due: perhaps nobody opens a page until then, or ever again."""
        if self._copies and self._timer is None:
            due_s = self._first().used_at + self._kept_s - time.monotonic()
            self._timer = threading.Timer(max(0, due_s), self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        with self._lock:
            self._timer = None
            self._forget_old()
            self._look_later()

    def _first(self) -> Copy:
        return next(iter(self._copies.values()))

    def _bytes(self) -> int:
        return sum(copy.size_bytes for copy in self._copies.values())


_copies = Copies(most_bytes=MOST_BYTES, kept_s=KEPT_S)


@contextmanager
def local_copy(ingestion: Ingestion) -> Iterator[Path]:
    """Where the file lies, for the time of the block. `TransientError` when the storage does not answer."""
    storage = storages["default"]
    if not isinstance(storage, FileStore):
        yield Path(storage.path(ingestion.storage_key))
        return
    copy = _copies.find(ingestion.storage_key) or _fetched(ingestion)
    yield Path(copy.file.name)


def forget(storage_keys: Iterable[str]) -> None:
    """Keep no copies of what is deleted. Other processes drop theirs `KEPT_S` after they were used last."""
    _copies.forget(storage_keys)


def _fetched(ingestion: Ingestion) -> Copy:
    file = tempfile.NamedTemporaryFile(prefix="quire-page-")  # noqa: SIM115 - it lives as long as it is referred to
    copy = Copy(file=file, size_bytes=ingestion.bytes, used_at=time.monotonic())
    files.fetch(ingestion, file)
    _copies.keep(ingestion.storage_key, copy)
    return copy
