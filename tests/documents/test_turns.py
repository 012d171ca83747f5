"""Whose turn it is: tenants take turns, and what is long gives way to what waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import Settings

from quire.core.errors import RateLimited
from quire.documents import ingestion, lifecycle
from quire.documents.ingestion import Result
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.tenants.services import Caller
from quire.testing.extractor import ScriptedExtractor

Submit = Callable[..., Submission]


@pytest.fixture
def _no_patience(settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"slice_s": 1e-9})


def run(submission: Submission) -> Result:
    return ingestion.run(task_id=submission.ingestion.task_id).result


@pytest.mark.usefixtures("_no_patience")
def test_a_long_document_gives_way_to_one_that_waits_and_goes_on_after_it(submit: Submit) -> None:
    long, short = submit("Long."), submit("Short.")
    assert run(long) is Result.HANDED_BACK
    row = Ingestion.objects.get(id=long.ingestion.id)
    assert (row.attempts, row.crash_count) == (0, 0)
    assert list(Ingestion.objects.order_by("queued_at").values_list("id", flat=True)) == [
        short.ingestion.id,
        long.ingestion.id,
    ]


@pytest.mark.usefixtures("_no_patience")
def test_a_document_alone_in_the_line_is_not_interrupted(submit: Submit) -> None:
    assert run(submit("Alone.")) is Result.COMPLETED


@pytest.mark.usefixtures("_no_patience")
def test_giving_way_again_and_again_repeats_no_work(submit: Submit, extractor: ScriptedExtractor) -> None:
    long = submit("Long.")
    submit("Waits for ever.")
    results = [run(long)]
    while results[-1] is Result.HANDED_BACK and len(results) < 100:
        results.append(run(long))
    assert results[-1] is Result.COMPLETED
    pages = len(extractor.texts)
    assert extractor.read[-1] == pages
    assert len(extractor.read) <= pages + len(results)  # one page looked ahead at a time, at most


def test_waits_for_a_provider_end_with_the_deadline(submit: Submit, settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"deadline_s": 100})
    submission = submit()
    for expected in (True, True, False):  # 60 s, the 40 s that are left, none
        Ingestion.objects.update(next_attempt_at=None)
        lease = lifecycle.claim(task_id=submission.ingestion.task_id, owner="worker")
        assert lease
        assert lifecycle.put_back(lease, RateLimited("Slow down.", retry_after_s=60)) is expected
    assert Ingestion.objects.get().error_code == "deadline_exceeded"


def test_work_ends_with_the_deadline_and_a_night_asleep_does_not_count(submit: Submit, settings: Settings) -> None:
    submission = submit()
    Ingestion.objects.update(timings={"embedding": 7 * 3600})
    assert run(submission) is Result.FAILED
    assert Ingestion.objects.get().error_code == "deadline_exceeded"


def test_the_line_is_each_tenants_own(submit: Submit, stranger: Caller) -> None:
    for n in range(5):
        submit(f"Mine {n}.")
    theirs = submit("Theirs.", by=stranger)
    from quire.documents.reports import run_report

    assert run_report(Ingestion.objects.get(id=theirs.ingestion.id)).queue_position == 1
