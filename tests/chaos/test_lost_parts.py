"""Redis, the disk or the database is away for a while: what was taken is kept, and all goes on by itself."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from benchmarks.chaos import reading
from benchmarks.chaos.papers import Paper
from tests import parts, postgres_server
from tests.chaos.conftest import IS_CI, Scene
from tests.fault_proxy import Fault

DELAY_S = 0.1
"""What a dead Redis may add to a 202."""
SLACK_S = 5
"""For a machine that is busy with other things; what really waits for a dead Redis does so for 19 s."""
WRITES = ("PUT", "POST")
FULL, READ_ONLY, DOWN = (507, "XMinioStorageFull"), (403, "AccessDenied"), (503, "SlowDown")
"""What servers of buckets say."""
pytestmark = pytest.mark.timeout(900)
"""A backstop; the first test waits until the service has started, on whatever machine."""


def test_queued_documents_survive_a_wiped_redis(scene: Scene, write: Any) -> None:
    for name in ("worker-1", "worker-2"):
        scene.service.kill(name, is_wanted=False)
    documents = {scene.upload(paper): paper for paper in [write() for _ in range(6)]}
    with scene.service.redis() as redis:
        redis.flushall()
    for name in ("worker-1", "worker-2"):
        scene.service.start(name)
    for document_id, paper in documents.items():
        assert scene.finished(document_id)["status"] == "completed"
        assert scene.answers_with(document_id, paper)


def test_uploads_are_taken_at_once_without_redis_and_processed_when_it_is_back(scene: Scene, write: Any) -> None:
    with_redis = [_upload_s(scene, write())[1] for _ in range(8)]
    scene.service.kill("redis", is_wanted=False)
    papers = [write() for _ in range(8)]
    taken = [_upload_s(scene, paper) for paper in papers]
    without_redis = [seconds for _, seconds in taken]
    scene.service.start("redis")
    medians = {"with": statistics.median(with_redis), "without": statistics.median(without_redis)}
    print(f"a 202 took, in the median: {medians}")  # noqa: T201 - the figures, shown by `pytest -s`
    assert medians["without"] < medians["with"] + DELAY_S + SLACK_S
    for (document_id, _), paper in zip(taken, papers, strict=True):
        assert scene.finished(document_id)["status"] == "completed"
        assert scene.answers_with(document_id, paper)


def test_an_open_event_stream_tells_what_happens_while_redis_is_away_and_after(scene: Scene, write: Any) -> None:
    with scene.http.stream("GET", "/api/events/") as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        scene.service.kill("redis", is_wanted=False)
        document_id = scene.upload(write())
        assert _told(lines, document_id, "processing")
        scene.service.start("redis")
        assert _told(lines, document_id, "completed")


def test_a_full_disk_refuses_uploads_keeps_what_was_taken_and_all_goes_on(scene: Scene, write: Any) -> None:
    if not scene.is_disk_ours:
        pytest.skip("a disk to fill needs the right to mount one")
    taken = {scene.upload(paper): paper for paper in [write(pages=30) for _ in range(2)]}
    with _full(scene.service.data_dir / "ballast"), _bucket_refuses(scene, *FULL, methods=WRITES):
        refused = write(pages=20)
        _expect_refusal(scene, refused)
        time.sleep(3)  # the workers meet the full disk too
        _expect_refusal(scene, refused)
        if parts.IS_POSTGRES:  # which could count attempts; a full SQLite cannot
            assert [scene.document(document_id)["attempts"] for document_id in taken] == [0, 0]
    taken[scene.upload(refused)] = refused
    for document_id, paper in taken.items():
        assert scene.finished(document_id)["status"] == "completed"
        assert scene.answers_with(document_id, paper)


def test_a_read_only_folder_refuses_uploads_and_documents_taken_are_still_processed(scene: Scene, write: Any) -> None:
    paper, refused = write(pages=30), write()
    document_id = scene.upload(paper)
    with _read_only_files(scene):
        _expect_refusal(scene, refused)
        assert scene.finished(document_id)["status"] == "completed"
        assert scene.answers_with(document_id, paper)
    second_id = scene.upload(refused)
    assert scene.finished(second_id)["status"] == "completed"


def test_a_lost_data_folder_refuses_everything_and_all_goes_on_when_it_is_back(scene: Scene, write: Any) -> None:
    paper = write(pages=40)
    document_id = scene.upload(paper)
    scene.wait_for_pages(document_id, 8)
    with _lost_database(scene), _away(scene.service.data_dir), _bucket_refuses(scene, *DOWN):
        _expect_refusal(scene, write())
        assert scene.http.get("/readyz").status_code == 503
        time.sleep(6)  # longer than the lease
    assert scene.finished(document_id)["status"] == "completed"
    assert scene.answers_with(document_id, paper)
    second = write()
    assert scene.finished(scene.upload(second))["status"] == "completed"


@pytest.mark.skipif(not IS_CI, reason="takes more than a minute: SQLite waits so long for a lock")
@pytest.mark.skipif(parts.IS_POSTGRES, reason="it is SQLite whose one lock keeps all who write waiting")
def test_a_database_locked_for_long_refuses_uploads_and_all_goes_on(scene: Scene, write: Any) -> None:
    paper = write(pages=40)
    document_id = scene.upload(paper)
    scene.wait_for_pages(document_id, 8)
    database = scene.service.database
    assert isinstance(database, reading.SqliteFile)
    lock = database.connect()
    lock.execute("BEGIN EXCLUSIVE")
    try:
        _expect_refusal(scene, write())
    finally:
        lock.rollback()
        lock.close()
    assert scene.finished(document_id)["status"] == "completed"
    assert scene.answers_with(document_id, paper)


def _told(lines: Iterator[str], document_id: str, status: str) -> bool:
    """Whether the stream tells that the document stands so; keep-alives come for ever, so that `timeout` ends it."""
    data = (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
    return any(each["id"] == document_id and each.get("status") == status for each in data)


def _upload_s(scene: Scene, paper: Paper) -> tuple[str, float]:
    began = time.monotonic()
    return scene.upload(paper), time.monotonic() - began


def _expect_refusal(scene: Scene, paper: Paper) -> None:
    answer = _try_upload(scene.http, paper)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"


def _try_upload(http: httpx.Client, paper: Paper) -> httpx.Response:
    return http.post("/api/ingest/", files={"file": (paper.name, paper.content)})


@contextmanager
def _bucket_refuses(scene: Scene, status: int, code: str, *, methods: Sequence[str] = ("",)) -> Iterator[None]:
    """Where files are in a bucket, all requests to it end so, or those of these methods."""
    faults = [Fault(happening="answer", status=status, code=code, method=method) for method in methods]
    if not scene.bucket:
        yield
        return
    scene.bucket.faults += faults
    try:
        yield
    finally:
        scene.bucket.faults.clear()


@contextmanager
def _lost_database(scene: Scene) -> Iterator[None]:
    """SQLite's is lost with its folder."""
    with postgres_server.away(scene.service.settings["DATABASE_URL"]) if parts.IS_POSTGRES else nullcontext():
        yield


def _read_only_files(scene: Scene) -> AbstractContextManager[None]:
    if parts.IS_S3:
        return _bucket_refuses(scene, *READ_ONLY, methods=WRITES)
    return _read_only(scene.service.data_dir / "files")


@contextmanager
def _full(ballast: Path) -> Iterator[None]:
    """Not a byte is left on the disk of this file."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Nobody writes there, root neither."""
    folder.mkdir(exist_ok=True)
    bound = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
    if os.geteuid() == 0 and bound.returncode:
        pytest.skip("what root may not write needs the right to mount")
    mode = folder.stat().st_mode
    try:
        if bound.returncode:
            for each in (folder, *(path for path in folder.iterdir() if path.is_dir())):
                each.chmod(0o500)
        else:
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        if bound.returncode:
            for each in (folder, *(path for path in folder.iterdir() if path.is_dir())):
                each.chmod(mode)
        else:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def _away(folder: Path) -> Iterator[None]:
    """The folder has gone, as one whose disk is not mounted any more; what appears in its place is dropped again."""
    kept, dropped = folder.with_name("kept"), folder.with_name("dropped")
    folder.rename(kept)
    try:
        yield
    finally:
        if folder.exists():
            folder.rename(dropped)
        kept.rename(folder)
        shutil.rmtree(dropped, ignore_errors=True)
