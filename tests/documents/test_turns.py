"""Whose turn it is: tenants take turns, and what is long gives way to what waits."""

from __future__ import annotations

import random
from collections.abc import Callable
from uuid import UUID

import pytest
from pytest_django import Settings
from real_redis import RealRedis, task_id

from quire.core.errors import RateLimited
from quire.documents import dispatcher, ingestion, lifecycle, reports, turns
from quire.documents.ingestion import Result
from quire.documents.lease import Lease
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.tenants.services import Caller, create_tenant
from quire.testing.extractor import ScriptedExtractor

Submit = Callable[..., Submission]


@pytest.fixture
def _no_patience(settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"slice_s": 1e-9})


@pytest.fixture
def submit_long(submit: Submit) -> Submit:
    """Submit what looks like more than a slice of work."""

    def submit_long(content: str, **who: Caller) -> Submission:
        submission = submit(content, **who)
        Ingestion.objects.filter(id=submission.ingestion.id).update(bytes=2**30)
        return submission

    return submit_long


def run(submission: Submission) -> Result:
    return ingestion.run(task_id=submission.ingestion.task_id).result


def begin_next(broker: RealRedis) -> UUID:
    """Have a worker take the next message and begin it."""
    message = broker.take()
    assert message
    assert lifecycle.claim(task_id=task_id(message), owner="worker")
    return task_id(message)


def give_way(task: UUID) -> None:
    """Hand a document back, as one is whose slice is over."""
    run = Ingestion.objects.get(task_id=task)
    ids = {"ingestion_id": run.id, "document_id": run.document_id, "tenant_id": run.tenant_id}
    lifecycle.release(Lease(**ids, generation=run.generation), gives_way=True)


def end(task: UUID) -> None:
    """Have a document be done."""
    Ingestion.objects.filter(task_id=task).update(status=Ingestion.Status.COMPLETED)


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
    assert reports.report(theirs.document).run.queue_position == 1


def test_the_next_message_is_of_the_tenant_that_has_waited_longest_for_a_turn(
    submit: Submit, stranger: Caller, broker: RealRedis
) -> None:
    for n in range(10):
        submit(f"One of many {n}.")
    dispatcher.dispatch()
    theirs = submit("The only one.", by=stranger)
    begin_next(broker)  # there is room for one message, as there is while workers are busy
    dispatcher.dispatch()
    assert broker.task_ids()[0] == theirs.ingestion.task_id


def test_tenants_that_all_have_many_take_turns_one_by_one(submit: Submit, broker: RealRedis) -> None:
    callers = [create_tenant(name=f"Tenant {n}", username=f"person-{n}") for n in range(3)]
    owners = {submit(f"{n} of {by.user}", by=by).ingestion.task_id: by for by in callers for n in range(4)}
    served = []
    for _ in range(9):
        dispatcher.dispatch()
        served.append(owners[begin_next(broker)])
    assert [served.count(by) for by in callers] == [3, 3, 3]
    assert all(set(served[n : n + 3]) == set(callers) for n in range(7))


def test_short_documents_pass_the_long_ones_that_wait_behind_a_long_one(
    submit: Submit, submit_long: Submit, broker: RealRedis
) -> None:
    first, *_ = [submit_long(f"Long {n}.").ingestion.task_id for n in range(5)]
    dispatcher.dispatch()
    assert begin_next(broker) == first
    dispatcher.dispatch()  # nothing short is there yet: a second long one is sent
    shorts = [submit(f"Short {n}.").ingestion.task_id for n in range(4)]
    served = []
    for _ in range(5):
        dispatcher.dispatch()
        served.append(begin_next(broker))
    assert served[1:] == shorts


def test_of_several_long_documents_one_at_a_time_is_sent(submit_long: Submit, broker: RealRedis) -> None:
    longs = [submit_long(f"Long {n}.").ingestion.task_id for n in range(3)]
    for number in range(3):
        dispatcher.dispatch()
        assert broker.task_ids() == longs[number : number + 1]  # what comes now has one before it, not two
        begin_next(broker)


def test_short_documents_without_end_do_not_starve_a_long_one(
    submit: Submit, submit_long: Submit, broker: RealRedis
) -> None:
    """One process; each time that it takes something two more short documents have come, and the long ones give way."""
    longs = {submit_long(f"Long {n}.").ingestion.task_id for n in range(4)}
    served: list[UUID] = []
    for turn in range(40):
        submit(f"Short {turn}.")
        submit(f"Another short {turn}.")
        dispatcher.dispatch()
        served.append(begin_next(broker))
        dispatcher.dispatch()
        give_way(served[-1]) if served[-1] in longs else end(served[-1])
    assert set(served[:15]) >= longs
    assert all(served.count(long) > 1 for long in longs)


def test_a_long_document_that_was_sent_and_lost_is_sent_again_among_short_ones(
    submit: Submit, submit_long: Submit, broker: RealRedis
) -> None:
    long = submit_long("Long.").ingestion.task_id
    dispatcher.dispatch()
    broker.client.flushall()
    for n in range(5):
        submit(f"Short {n}.")
    Ingestion.objects.filter(task_id=long).update(dispatched_at=lifecycle.in_s(-60))
    dispatcher.dispatch()
    assert long in broker.task_ids()


@pytest.mark.parametrize("seed", range(4))
def test_places_in_line_are_the_order_in_which_documents_are_begun(
    submit: Submit, submit_long: Submit, broker: RealRedis, seed: int
) -> None:
    chance = random.Random(seed)
    tenant = submit("The first.").document.tenant_id
    for n in range(8):
        chance.choice((submit, submit_long))(f"Document {n}.")
    begun = [begin_next(broker)] if dispatcher.dispatch() and seed % 2 else []
    waiting = Ingestion.objects.filter(status=Ingestion.Status.QUEUED)
    foretold = turns.places(waiting.values_list("id", flat=True), tenant_id=tenant)
    tasks = dict(waiting.values_list("id", "task_id"))
    while waiting.exists():
        dispatcher.dispatch()
        begun.append(begin_next(broker))
    assert begun[-len(foretold) :] == [tasks[run] for run in sorted(foretold, key=foretold.__getitem__)]
    assert sorted(foretold.values()) == list(range(1, len(foretold) + 1))


def test_long_documents_of_others_that_give_way_again_and_again_do_not_starve_a_tenant(
    submit: Submit, submit_long: Submit, broker: RealRedis
) -> None:
    for n in range(5):
        submit_long(f"Long {n}", by=create_tenant(name=f"Tenant {n}", username=f"person-{n}"))
    mine = {submit(f"Mine {n}").ingestion.task_id for n in range(3)}
    begun = []
    for _ in range(18):
        dispatcher.dispatch()
        begun.append(begin_next(broker))
        (end if begun[-1] in mine else give_way)(begun[-1])
    assert mine < set(begun)
