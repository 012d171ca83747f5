"""The data folder of a `quire up`: made private, and held by one at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quire.core.errors import PermanentError

LOCK_FILE = "up.lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make `folder` for nobody but us, and keep every other `quire up` out of it for the time of the block.

    `PermanentError`: `already_running`, or `data_folder` when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        lock = (folder / LOCK_FILE).open("a+")
    except OSError as error:
        raise PermanentError(
            f"The data folder {folder} cannot be used: {error.strerror}. "
            "Choose another by --data-dir or QUIRE_DATA_DIR.",
            code="data_folder",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise PermanentError(
                f"Quire runs on the folder {folder} already, as process {lock.read().strip() or 'unknown'}. "
                "Use that one, or stop it first (Ctrl-C), or choose another folder by --data-dir.",
                code="already_running",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
