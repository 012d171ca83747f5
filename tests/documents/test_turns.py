"""Whose turn it is: tenants take turns, and what is long gives way to what waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import Settings
from real_redis import RealRedis, task_id

from quire.core.errors import RateLimited
from quire.documents import dispatcher, ingestion, lifecycle
from quire.documents.ingestion import Result
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.tenants.services import Caller, create_tenant
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


def test_the_next_message_is_of_the_tenant_that_has_waited_longest_for_a_turn(
    submit: Submit, stranger: Caller, broker: RealRedis
) -> None:
    for n in range(10):
        submit(f"One of many {n}.")
    dispatcher.dispatch()
    theirs = submit("The only one.", by=stranger)
    broker.take()  # there is room for one message, as there is while workers are busy
    dispatcher.dispatch()
    assert broker.task_ids()[0] == theirs.ingestion.task_id


def test_tenants_that_all_have_many_take_turns_one_by_one(submit: Submit, broker: RealRedis) -> None:
    callers = [create_tenant(name=f"Tenant {n}", username=f"person-{n}") for n in range(3)]
    owners = {submit(f"{n} of {by.user}", by=by).ingestion.task_id: by for by in callers for n in range(4)}
    served = []
    for _ in range(9):
        dispatcher.dispatch()
        message = broker.take()
        assert message
        served.append(owners[task_id(message)])
        Ingestion.objects.filter(task_id=task_id(message)).update(status=Ingestion.Status.RUNNING)
    assert [served.count(by) for by in callers] == [3, 3, 3]
    assert all(set(served[n : n + 3]) == set(callers) for n in range(7))
