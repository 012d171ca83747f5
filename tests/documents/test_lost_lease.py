"""A run whose lease is lost ends at once, its parser's child with it, whatever page that one is at."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from clean_slate import let_time_pass, wipe_everything
from django.db import connections
from pytest_django import Settings

from quire import registry
from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.core.types import Vectors
from quire.documents import drain, ingestion, lifecycle
from quire.documents.heartbeat import HandBack, Heartbeat
from quire.documents.ingestion import Result
from quire.documents.models import Chunk, Event, Ingestion, Page
from quire.documents.services import Submission
from quire.documents.workspace import DatabaseWorkspace
from quire.testing.embedder import HashingEmbedder

Submit = Callable[..., Submission]

PAGE_S = 90
ENDS_WITHIN_S = 30
"""A backstop: without what is tested here it would take as long as a page may."""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clean(transactional_db: None) -> Iterator[None]:
    wipe_everything()
    yield
    wipe_everything()


@pytest.fixture(autouse=True)
def _quick_heart(settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"heartbeat_s": 0.1})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxedExtractor]:
    naughty = ("tests.backends.naughty_extractor.NaughtyExtractor", {})
    with closing(SandboxedExtractor(extractor=naughty, limits={"page_s": PAGE_S})) as extractor:
        yield extractor


@pytest.fixture
def worker(stores: None, sandbox: SandboxedExtractor) -> Iterator[ThreadPoolExecutor]:
    """Threads that work as a worker does."""
    with registry.using(extractor=sandbox), ThreadPoolExecutor() as threads:
        yield threads


def take_over() -> None:
    """Time passes and the lease is swept; a heartbeat that comes between the two renews it once more."""
    let_time_pass(60)
    while lifecycle.sweep() == 0:
        let_time_pass(60)


@pytest.mark.parametrize("script", ["ok\nfirst\n!loop", "!loop", "ok\n!sleep 600"])
def test_a_document_taken_over_in_the_middle_of_a_page_frees_its_worker_at_once(
    submit: Submit, worker: ThreadPoolExecutor, sandbox: SandboxedExtractor, script: str
) -> None:
    submission = submit(script)
    run = begin(worker, submission)
    [child] = wait_for_children(sandbox)
    take_over()
    assert run.result(ENDS_WITHIN_S) is Result.NOTHING_TO_DO
    assert child not in children_of(sandbox.process.pid)
    row = Ingestion.objects.get()
    assert (row.status, row.attempts, row.pages_done, Page.objects.count()) == ("queued", 0, 0, 0)
    assert [event.kind for event in Event.objects.order_by("id")] == ["queued", "claimed", "taken_back"]


def test_a_deleted_document_ends_its_own_child_and_no_other(
    submit: Submit, worker: ThreadPoolExecutor, sandbox: SandboxedExtractor
) -> None:
    deleted = submit("ok\n!loop")
    run = begin(worker, deleted)
    [child] = wait_for_children(sandbox)
    other = begin(worker, submit("ok\n!sleep 1\nThe other document."))
    wait_for_children(sandbox, count=2)
    lifecycle.supersede(deleted.document)
    assert run.result(ENDS_WITHIN_S) is Result.NOTHING_TO_DO
    assert child not in children_of(sandbox.process.pid)
    assert other.result(ENDS_WITHIN_S) is Result.COMPLETED


def test_a_page_that_stalls_past_its_patience_frees_its_worker_unmarked(
    submit: Submit, worker: ThreadPoolExecutor, sandbox: SandboxedExtractor, settings: Settings
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"stall_s": 0.5})
    run = begin(worker, submit("ok\n!loop"))
    assert run.result(ENDS_WITHIN_S) is Result.NOTHING_TO_DO
    assert children_of(sandbox.process.pid) == set()
    row = Ingestion.objects.get()
    assert (row.status, row.attempts) == ("running", 0)  # until its lease runs out, and the sweep counts a crash


def test_work_that_says_that_it_moves_is_not_taken_for_stalled(submit: Submit, settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"stall_s": 0.5})
    lease = lifecycle.claim(task_id=submit().ingestion.task_id, owner="worker")
    assert lease is not None
    end = time.monotonic() + 1
    with Heartbeat(lease) as heartbeat:
        while time.monotonic() < end:
            heartbeat.cancellation.moved()
            heartbeat.cancellation.check()
            time.sleep(0.01)


def test_the_next_document_of_the_same_worker_is_read_whole(
    submit: Submit, worker: ThreadPoolExecutor, sandbox: SandboxedExtractor
) -> None:
    lost = submit("ok\n!loop")
    run = begin(worker, lost)
    wait_for_children(sandbox)
    lifecycle.supersede(lost.document)
    assert run.result(ENDS_WITHIN_S) is Result.NOTHING_TO_DO
    assert begin(worker, submit("ok\nA page.\nAnother page.")).result(ENDS_WITHIN_S) is Result.COMPLETED


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Where the files are."""
    store = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = settings.STORAGES | {"default": store}
    return tmp_path / "files"


def test_a_document_taken_over_while_its_storage_says_nothing_frees_its_worker_at_once(
    folder: Path, submit: Submit, worker: ThreadPoolExecutor
) -> None:
    submission = submit("ok\nA page.")
    path = folder / submission.ingestion.storage_key
    path.unlink()
    os.mkfifo(path)  # whoever opens it waits for somebody who writes
    try:
        run = begin(worker, submission)
        wait_for_threads("download", count=1)
        take_over()
        assert run.result(ENDS_WITHIN_S) is Result.NOTHING_TO_DO
    finally:
        path.write_bytes(b"")
    wait_for_threads("download", count=0)
    row = Ingestion.objects.get()
    assert (row.status, row.attempts, row.pages_done) == ("queued", 0, 0)


def test_a_worker_that_stops_hands_its_document_over_while_its_storage_says_nothing(
    folder: Path, submit: Submit, worker: ThreadPoolExecutor
) -> None:
    submission = submit("ok\nA page.")
    path = folder / submission.ingestion.storage_key
    path.unlink()
    os.mkfifo(path)
    try:
        run = begin(worker, submission)
        wait_for_threads("download", count=1)
        drain.begin()
        assert run.result(ENDS_WITHIN_S) is Result.HANDED_BACK
    finally:
        drain.end()
        path.write_bytes(b"")
    wait_for_threads("download", count=0)
    row = Ingestion.objects.get()
    assert (row.status, row.attempts, row.crash_count) == ("queued", 0, 0)


def test_a_download_moves_with_each_piece(folder: Path, submit: Submit) -> None:
    submission = submit("Nutmeg. " * 400_000)
    moves: list[bool] = []
    with desk_of(submission, moves.append).file() as path:
        assert path.stat().st_size == 3_200_000
    assert moves == [False] * 4, "three megabytes and a piece"


def test_a_worker_that_stops_hands_its_document_over_in_the_middle_of_the_download(
    folder: Path, submit: Submit
) -> None:
    def hand_back(_: bool) -> None:
        raise HandBack(gives_way=False)

    with pytest.raises(HandBack), desk_of(submit(), hand_back).file():
        pass


def desk_of(submission: Submission, on_step: Callable[[bool], None]) -> DatabaseWorkspace:
    lease = lifecycle.claim(task_id=submission.ingestion.task_id, owner="worker")
    assert lease is not None
    parts = {"vectors": registry.vector_store(), "keywords": registry.keyword_index()}
    return DatabaseWorkspace(lease, **parts, check=lambda: None, on_step=on_step)


def wait_for_threads(name: str, *, count: int) -> None:
    end = time.monotonic() + ENDS_WITHIN_S
    while sum(thread.name == name for thread in threading.enumerate()) != count:
        assert time.monotonic() < end, f"not {count} threads are called {name}"
        time.sleep(0.01)


class StallingEmbedder(HashingEmbedder):
    """Its first batch takes until the heartbeat has given up."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        while any(thread.name == "heartbeat" for thread in threading.enumerate()):
            time.sleep(0.01)
        return super().embed_documents(texts)


def test_what_a_stalled_embedder_answers_in_the_end_is_not_written(
    submit: Submit, stores: None, settings: Settings
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"stall_s": 0.5})
    submission = submit()
    with registry.using(embedder=StallingEmbedder()):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.NOTHING_TO_DO
        assert registry.embedder().calls == 1
    assert Chunk.objects.count() == 0


def begin(worker: ThreadPoolExecutor, submission: Submission) -> Future[Result]:
    return worker.submit(_run, submission)


def _run(submission: Submission) -> Result:
    try:
        return ingestion.run(task_id=submission.ingestion.task_id).result
    finally:
        connections.close_all()


def wait_for_children(sandbox: SandboxedExtractor, *, count: int = 1) -> set[int]:
    """The children that parse a file, once there are so many."""
    end = time.monotonic() + ENDS_WITHIN_S
    while len(found := children_of(sandbox.process.pid)) < count:
        assert time.monotonic() < end, "no child parses"
        time.sleep(0.01)
    return found


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
