"""A run's file, brought to this machine for as long as anybody wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import IO, Any

from quire.documents import files
from quire.documents.connections import release_connections
from quire.documents.models import Ingestion

LOOK_EVERY_S = 0.2


def download(
    ingestion: Ingestion, target: IO[bytes], *, check: Callable[[], None], on_piece: Callable[[], None]
) -> None:
    """As `files.fetch`, but at an end as soon as `check` raises, whatever the storage does or does not say meanwhile.

    `on_piece` is called as pieces come, in another thread, and may raise to end it as well.
    """
    release_connections()
    done: Future[None] = Future()
    watched = _Watched(target, on_piece)
    threading.Thread(target=_fetch, args=(ingestion, watched, done), name="download", daemon=True).start()
    while not wait([done], LOOK_EVERY_S).done:
        check()  # what it raises leaves the thread to itself: its next piece finds the file closed
    done.result()


def _fetch(ingestion: Ingestion, target: Any, done: Future[None]) -> None:
    try:
        files.fetch(ingestion, target)
        done.set_result(None)
    except BaseException as error:  # noqa: BLE001 - it is for the thread that waits
        done.set_exception(error)


class _Watched:
    """A file; after each piece that is written `on_piece` is called."""

    def __init__(self, file: IO[bytes], on_piece: Callable[[], None]) -> None:
        self._file = file
        self._on_piece = on_piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, piece: bytes) -> int:
        written = self._file.write(piece)
        self._on_piece()
        return written
