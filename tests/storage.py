"""The files of documents, wherever the tests keep them: in a folder, or in a bucket of a server that speaks S3."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, storages
from tests import s3_server

from quire import environment, wiring
from quire.documents import files

KINDS = ["folder", "bucket"]


def of_kind(kind: str, *, folder: Path) -> dict[str, Any]:
    """A storage of this kind that is empty and nobody else's, as an entry of Django's STORAGES."""
    environ = s3_server.environment(s3_server.new_bucket()) if kind == "bucket" else {}
    return wiring.file_store(environment.read(environ), data_dir=folder)


def stored_keys() -> set[str]:
    return {key for key, _ in files.walk()}


def wipe_files() -> None:
    for key in stored_keys():
        files.remove(key)


def make_older(key: str, *, seconds: float) -> None:
    """As if the file had been written earlier."""
    storage = storages["default"]
    if isinstance(storage, FileSystemStorage):
        then = time.time() - seconds
        os.utime(storage.path(key), (then, then))
    else:
        s3_server.make_older(storage.bucket_name, key, seconds=seconds)  # type: ignore[attr-defined]
