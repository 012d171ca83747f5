"""A worker that is killed, frozen or asked to stop in the middle of a document: another goes on where it was."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from benchmarks.chaos import processes
from benchmarks.chaos.backends import FAULT_CODE
from benchmarks.chaos.judge import Judge
from benchmarks.chaos.ledger import Ledger
from tests.chaos.conftest import IS_CI, LIMIT_S, Scene, staged

PAGES = 48
RESUMES_WITHIN_S = 40
pytestmark = pytest.mark.timeout(900)
"""A backstop; the first test waits until the service has started, on whatever machine."""


def test_a_document_of_a_killed_worker_goes_on_elsewhere_at_the_page_it_was_at(scene: Scene, write: Any) -> None:
    paper = write(pages=PAGES)
    document_id = scene.upload(paper)
    scene.wait_for_pages(document_id, 8)
    victim = scene.worker_of(document_id)
    scene.service.kill(victim, is_wanted=False)
    killed_at = time.time()
    before = scene.saved_rows("page", document_id)
    document = scene.finished(document_id)
    assert document["status"] == "completed"
    assert scene.answers_with(document_id, paper)
    kinds = [kind for kind, _ in scene.history(document_id)]
    assert kinds == ["queued", "claimed", "taken_back", "claimed", "completed"]
    claimed_again_at = scene.history(document_id)[3][1]
    assert claimed_again_at - killed_at < RESUMES_WITHIN_S
    after = scene.saved_rows("page", document_id)
    assert len(before) >= 8
    assert {number: after[number] for number in before} == before  # not one of them was read again
    assert document["attempts"] == 0


@pytest.mark.skipif(not IS_CI, reason="takes a minute: it waits for a lease of 30 s to run out")
def test_with_the_default_leases_a_document_goes_on_within_40_s_of_a_crash(write: Any) -> None:
    with staged({}) as scene:
        document_id = scene.upload(write(pages=PAGES))
        scene.wait_for_pages(document_id, 8)
        scene.service.kill(scene.worker_of(document_id), is_wanted=False)
        killed_at = time.time()
        assert scene.finished(document_id)["status"] == "completed"
        [(_, claimed_at), (_, claimed_again_at)] = [e for e in scene.history(document_id) if e[0] == "claimed"]
        print(f"claimed again {claimed_again_at - killed_at:.1f} s after the kill")  # noqa: T201 - shown by `pytest -s`
        assert claimed_at < killed_at < claimed_again_at < killed_at + RESUMES_WITHIN_S


def test_a_document_whose_pool_process_is_killed_goes_on_at_the_chunk_it_was_at(scene: Scene, write: Any) -> None:
    paper = write(pages=110)  # more than one batch of chunks
    document_id = scene.upload(paper)
    scene.service.wait(lambda: scene.run_of(document_id)["chunks_done"] >= 32, "chunks are saved", limit_s=LIMIT_S)
    run = scene.run_of(document_id)
    assert run["status"] == "running"
    processes.send(signal.SIGKILL, int(run["lease_owner"].rpartition(":")[2]))
    before = scene.saved_rows("chunk", document_id)
    assert scene.finished(document_id)["status"] == "completed"
    after = scene.saved_rows("chunk", document_id)
    assert 32 <= len(before) < len(after) == len(paper.chunks)
    assert {ordinal: after[ordinal] for ordinal in before} == before
    assert scene.answers_with(document_id, paper)


def test_a_worker_that_wakes_after_its_lease_changes_nothing(scene: Scene, write: Any) -> None:
    paper = write(pages=PAGES)
    document_id = scene.upload(paper)
    scene.wait_for_pages(document_id, 8)
    frozen = scene.worker_of(document_id)
    pid = scene.service.parts[frozen].pid
    everything = [pid, *processes.descendants(pid)]
    processes.send(signal.SIGSTOP, *everything)
    try:
        assert scene.finished(document_id)["status"] == "completed"
        before = _all_of(scene, document_id)
    finally:
        processes.send(signal.SIGCONT, *everything)
    log = scene.service.folder / f"{frozen}.log"
    scene.service.wait(
        lambda: f"the lease of document {document_id} was lost: nothing was changed" in log.read_text(),
        "the worker finds out that it is late",
        limit_s=LIMIT_S,
    )
    assert _all_of(scene, document_id) == before
    assert scene.answers_with(document_id, paper)


def test_a_worker_that_is_asked_to_stop_hands_its_document_over_unmarked(scene: Scene, write: Any) -> None:
    paper = write(pages=PAGES)
    document_id = scene.upload(paper)
    scene.wait_for_pages(document_id, 8)
    scene.service.kill(scene.worker_of(document_id), by=signal.SIGTERM, is_wanted=False)
    before = scene.saved_rows("page", document_id)
    document = scene.finished(document_id)
    assert document["status"] == "completed"
    assert [kind for kind, _ in scene.history(document_id)] == ["queued", "claimed", "released", "claimed", "completed"]
    run = scene.run_of(document_id)
    assert (run["attempts"], run["crash_count"]) == (0, 0)
    after = scene.saved_rows("page", document_id)
    assert {number: after[number] for number in before} == before


def test_a_web_that_is_asked_to_stop_finishes_the_answer_it_is_giving(scene: Scene, write: Any) -> None:
    paper = write(pages=2)
    document_id = scene.upload(paper)
    assert scene.finished(document_id)["status"] == "completed"
    ask = f"/api/documents/{document_id}/ask/"
    faults = scene.service.data_dir / "faults"
    with ThreadPoolExecutor() as beside:
        answer = beside.submit(scene.http.post, ask, json={"question": f"SLOW QUESTION {paper.chunks[0][:60]}"})
        scene.service.wait((faults / "asked").exists, "the web is at the answer", limit_s=LIMIT_S)
        scene.service.ask_to_stop("web")
        (faults / "go").touch()
        assert answer.result().status_code == 200
    assert answer.result().json()["conversation_id"]


@pytest.mark.parametrize(
    ("trait", "code"), [("crashes", "parser_crash"), ("loops", "parser_timeout"), ("hoards", "parser_memory")]
)
def test_a_file_that_ends_its_parser_fails_with_its_reason_and_the_workers_live_on(
    scene: Scene, write: Any, trait: str, code: str
) -> None:
    workers = [part.pid for name, part in scene.service.parts.items() if name.startswith("worker")]
    before = [processes.pool(pid) for pid in workers]
    document = scene.finished(scene.upload(write(pages=2, trait=trait)))
    assert document["status"] == "failed"
    assert document["error"]["code"] == code
    assert document["error"]["message"].startswith("Page ")
    assert [processes.pool(pid) for pid in workers] == before
    assert document["attempts"] == 0
    good = write()
    good_id = scene.upload(good)
    assert scene.finished(good_id)["status"] == "completed"
    assert scene.answers_with(good_id, good)


def test_one_page_that_crashes_the_parser_is_left_out_and_named(scene: Scene, write: Any) -> None:
    paper = write(pages=5, trait="one_bad_page")
    document_id = scene.upload(paper)
    document = scene.finished(document_id)
    assert document["status"] == "completed"
    assert len(document["warnings"]) == 1
    assert scene.answers_with(document_id, paper)


def test_a_document_whose_provider_fails_twice_is_tried_again_after_2_and_4_seconds(scene: Scene, write: Any) -> None:
    paper = write(trait="flaky")
    document_id = scene.upload(paper)
    document = scene.finished(document_id)
    assert document["status"] == "completed"
    assert scene.answers_with(document_id, paper)
    assert scene.broken_rules(document_id) == []
    kinds = [kind for kind, _ in scene.history(document_id)]
    assert kinds.count("put_back") == document["attempts"] > 0


def test_a_wait_that_a_provider_asks_for_burns_no_attempt(scene: Scene, write: Any) -> None:
    document_id = scene.upload(write(trait="limited"))
    document = scene.finished(document_id)
    assert (document["status"], document["attempts"]) == ("completed", 0)
    assert scene.broken_rules(document_id) == []


def test_a_document_whose_provider_never_answers_fails_at_its_fourth_attempt(scene: Scene, write: Any) -> None:
    document_id = scene.upload(write(trait="hopeless"))
    document = scene.finished(document_id)
    assert (document["status"], document["attempts"]) == ("failed", 4)
    assert document["error"]["code"] == FAULT_CODE
    assert scene.broken_rules(document_id) == []


def test_the_judge_of_the_crash_loop_sees_what_is_kept_of_a_run_that_no_document_shows(
    scene: Scene, write: Any
) -> None:
    document_id = scene.upload(write())
    assert scene.finished(document_id)["status"] == "completed"
    judge = Judge(scene.service, Ledger(), blows=())
    judge.wait_until_quiet()
    judge.check_history()
    judge.check_stores()
    assert judge.ledger.violations == []
    scene.service.kill("dispatcher-1", is_wanted=False)  # it would collect them
    with scene.not_shown(document_id):
        judge.check_stores()
    run = scene.run_of(document_id)["id"]
    tables = ["documents_chunk", "documents_page", *scene.service.database.owners]
    assert judge.ledger.violations == [f"orphans in {table}: {run}" for table in tables]


def _all_of(scene: Scene, document_id: str) -> list[Any]:
    """Every row about it, and its vectors and keywords."""
    run = scene.run_of(document_id)
    by_run = [
        "SELECT * FROM documents_page WHERE ingestion_id = ?",
        "SELECT * FROM documents_chunk WHERE ingestion_id = ?",
        "SELECT * FROM documents_event WHERE ingestion_id = ?",
        *(f"SELECT * FROM {table} WHERE {run} = ?" for table, run in scene.service.database.owners.items()),  # noqa: S608
    ]
    return [run, scene.document(document_id), *(scene.service.rows(sql, run["id"]) for sql in by_run)]
