"""A service of real processes that tests may kill: two workers, so that one is left to go on with the other's work."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from benchmarks.chaos import papers, processes
from benchmarks.chaos.history import Finding, Happening, broken_rules, moment
from benchmarks.chaos.papers import Paper
from benchmarks.chaos.reading import SqliteFile
from benchmarks.chaos.service import SHORT_LEASES, Service
from tests import parts, postgres_server
from tests.fault_proxy import Proxy, proxy_before

IS_CI = os.environ.get("CI", "").lower() in {"1", "true"}
LEASE_S, SWEEP_S = 4, 1
PACE = {"CHAOS_PAGE_S": "0.1", "CHAOS_BATCH_S": "0.5", "QUIRE_PARSER_PAGE_S": "4"}
"""A page is given up after a time that no good page needs, however busy the machine is."""
DISK_MB = 96
LIMIT_S = 300
"""A backstop for whatever is waited for: on a quiet machine it takes a few seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The service, and what a test does with it."""

    service: Service
    http: httpx.Client
    is_disk_ours: bool
    """Whether database and data folder are on a disk of their own, which a test may fill."""
    bucket: Proxy | None = None
    """What stands before the bucket, where files are in one."""

    def upload(self, paper: Paper) -> str:
        """Its id, once the service has taken it."""
        answer = self.http.post("/api/ingest/", files={"file": (paper.name, paper.content)})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["document"]["id"])

    def document(self, document_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/api/documents/{document_id}/").json()
        return found

    def finished(self, document_id: str, *, limit_s: float = LIMIT_S) -> dict[str, Any]:
        self.service.wait(
            lambda: self.document(document_id)["status"] != "processing", "it is processed", limit_s=limit_s
        )
        return self.document(document_id)

    def run_of(self, document_id: str) -> dict[str, Any]:
        """The row of its only run."""
        return self.service.rows("SELECT * FROM documents_ingestion WHERE document_id = ?", _hex(document_id))[0]

    def wait_for_pages(self, document_id: str, pages: int) -> dict[str, Any]:
        """Its run, as soon as so many pages are saved and it is still being read."""
        self.service.wait(lambda: self.run_of(document_id)["pages_done"] >= pages, "pages are saved", limit_s=LIMIT_S)
        run = self.run_of(document_id)
        assert run["stage"] == "extracting", run
        return run

    def history(self, document_id: str) -> list[tuple[str, float]]:
        """What happened to it, and when, in seconds of the clock."""
        return [(event.kind, event.at) for event in self._happenings(document_id)]

    def broken_rules(self, document_id: str) -> list[Finding]:
        """What is wrong with its history."""
        return list(broken_rules(self._happenings(document_id)))

    def _happenings(self, document_id: str) -> list[Happening]:
        sql = "SELECT kind, at, data FROM documents_event WHERE document_id = ? ORDER BY id"
        rows = self.service.rows(sql, _hex(document_id))
        return [Happening(kind=row["kind"], at=moment(row["at"]), data=json.loads(row["data"])) for row in rows]

    def saved_rows(self, table: str, document_id: str) -> dict[int, Any]:
        """Number or ordinal of each page or chunk → the row that holds it: written again it would be another."""
        order, row_id = {"page": "number", "chunk": "ordinal"}[table], self.service.database.row_id
        sql = f"SELECT {order} AS place, {row_id} AS id FROM documents_{table} WHERE ingestion_id = ?"  # noqa: S608 - ours
        return {row["place"]: row["id"] for row in self.service.rows(sql, self.run_of(document_id)["id"])}

    def worker_of(self, document_id: str) -> str:
        """The part whose pool holds its lease."""
        pid = int(self.run_of(document_id)["lease_owner"].rpartition(":")[2])
        workers = [name for name in self.service.parts if name.startswith("worker")]
        return next(name for name in workers if pid in processes.pool(self.service.parts[name].pid))

    def answers_with(self, document_id: str, paper: Paper) -> bool:
        """Whether a search finds it whole, byte for byte."""
        body = {"query": papers.query_of(paper.number, paper.version), "document_ids": [document_id], "limit": 100}
        hits = self.http.post("/api/search/", json=body).json()["hits"]
        return sorted(hit["text"] for hit in hits) == sorted(paper.chunks)

    @contextmanager
    def not_shown(self, document_id: str) -> Iterator[None]:
        """The document answers with no run for the time of the block."""
        point, run = (
            "UPDATE documents_document SET active_ingestion_id = ? WHERE id = ?",
            self.run_of(document_id)["id"],
        )
        self._write(point, None, _hex(document_id))
        try:
            yield
        finally:
            self._write(point, run, _hex(document_id))

    def _write(self, sql: str, *values: Any) -> None:
        database = self.service.database
        if isinstance(database, SqliteFile):
            with closing(database.connect()) as connection, connection:
                connection.execute(sql, values)
        else:
            with psycopg.connect(self.service.settings["DATABASE_URL"]) as server:
                server.execute(sql.replace("?", "%s"), values)  # type: ignore[arg-type]


@contextmanager
def staged(settings: Mapping[str, str]) -> Iterator[Scene]:
    """A service for the time of the block, on a disk of its own where we may mount one."""
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="quire-stage-", ignore_cleanup_errors=True))
        folder = Path(name)  # short, for sockets
        folder.chmod(0o755)  # for PostgreSQL, which is somebody else's
        is_mounted = stack.enter_context(_disk(folder / "disk"))
        production = parts.of_service()
        bucket = None
        if parts.IS_POSTGRES and is_mounted:
            stack.enter_context(postgres_server.kept_in(folder / "disk" / "database", production["DATABASE_URL"]))
        if parts.IS_S3:
            bucket = stack.enter_context(proxy_before(production["AWS_S3_ENDPOINT_URL"]))
            production["AWS_S3_ENDPOINT_URL"] = bucket.url
        own = folder / "quire"
        own.mkdir()
        everything = {**PACE, **production, **settings}
        service = Service(folder=own, workers=2, settings=everything, data_dir=folder / "disk" / "data")
        stack.callback(service.stop)
        service.prepare()
        service.start_all()
        http = stack.enter_context(service.http(timeout_s=90))
        yield Scene(service=service, http=http, is_disk_ours=is_mounted, bucket=bucket)


@pytest.fixture(scope="session")
def _stage() -> Iterator[Scene]:
    with staged(SHORT_LEASES) as scene:
        yield scene


@pytest.fixture
def scene(_stage: Scene) -> Scene:
    """The service with every part alive, whatever the test before has done."""
    _stage.service.start_all()
    _stage.service.wait(lambda: _has_workers(_stage.service), "the workers have processes")
    return _stage


@pytest.fixture
def write(request: pytest.FixtureRequest) -> Any:
    """Makes a file that no other test has: `write(pages=40, trait="crashes")`."""
    rng = random.Random(request.node.nodeid)
    numbers = iter(range(rng.randrange(10**6), 10**7))

    def make(*, pages: int = 3, trait: str = "plain") -> Paper:
        return papers.write(next(numbers), 1, rng, trait=trait, pages=pages)

    return make


@contextmanager
def _disk(folder: Path) -> Iterator[bool]:
    """A folder, and whether it is a small disk: where we have the right to mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "quire-chaos", str(folder)]
    is_mounted = False
    with suppress(OSError):
        is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _has_workers(service: Service) -> bool:
    workers = [part for name, part in service.parts.items() if name.startswith("worker")]
    return all(part.is_running and len(processes.pool(part.pid)) >= 2 for part in workers)


def _hex(document_id: str) -> str:
    return document_id.replace("-", "")
