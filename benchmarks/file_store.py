"""A bucket through Quire's storage against boto3 by itself, up and down, in one run against moto's server.

    PYTHONPATH=src:. python benchmarks/file_store.py [megabytes …]

Each row is a process of its own: MB a second (moto, on the same cores, is the larger part of the time), and by how
many MB the process's peak memory rose. The files are zeros on disk. Linux only, for the peak.
"""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

WAYS = ("boto3", "quire")
ACCOUNT = {"access_key": "a", "secret_key": "b", "region_name": "eu-central-1"}


def main(sizes: list[int]) -> None:
    from tests import s3_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    where = (s3_server.server_url(), s3_server.new_bucket())
    print("   MB  way      up MB/s  peak MB   down MB/s  peak MB")
    for size in sizes:
        for way in WAYS:
            command = [sys.executable, __file__, "measure", *where, way, str(size)]
            print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="", flush=True)


def measure(url: str, bucket: str, way: str, megabytes: int) -> None:
    up, down = _doors(url, bucket)[way]
    with tempfile.NamedTemporaryFile() as small:
        small.write(b"x")
        small.flush()
        up(small.name, "small")  # loads all there is to load
    before = _peak_mb()
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as copy:
        file.truncate(megabytes * 2**20)
        up_s, up_mb = _timed(lambda: up(file.name, "large")), _peak_mb() - before
        down_s, all_mb = _timed(lambda: down("large", copy)), _peak_mb() - before
    print(f"{megabytes:5}  {way:7} {megabytes / up_s:8.0f} {up_mb:8} {megabytes / down_s:11.0f} {all_mb:8}")


def _doors(url: str, bucket: str) -> dict[str, tuple[Callable[[str, str], Any], Callable[[str, IO[bytes]], Any]]]:
    """By way: a function that takes a path up, and one that brings a file down."""
    import boto3
    import django
    from django.conf import settings

    settings.configure()
    django.setup()
    from django.core.files import File

    from quire.backends.filestores.s3 import S3FileStore

    store = S3FileStore(bucket_name=bucket, endpoint_url=url, **ACCOUNT)
    session = boto3.Session("a", "b", region_name="eu-central-1")
    raw = session.client("s3", endpoint_url=url)

    def save(path: str, key: str) -> None:
        with Path(path).open("rb") as file:
            store.save(key, File(file))

    def put(path: str, key: str) -> None:
        with Path(path).open("rb") as file:
            raw.upload_fileobj(file, bucket, key)

    return {
        "boto3": (put, lambda key, target: raw.download_fileobj(bucket, key, target)),
        "quire": (save, store.download),
    }


def _timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _peak_mb() -> int:
    """Of this process alone: `ru_maxrss` begins with what the parent had."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(*sys.argv[2:5], int(sys.argv[5]))
    else:
        main([int(size) for size in sys.argv[1:]] or [20, 200])
