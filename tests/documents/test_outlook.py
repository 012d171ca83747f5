"""What those who wait are told: their place, and how long it will take."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quire.documents import lifecycle, reports, services
from quire.documents.models import Document, Ingestion
from quire.documents.reports import RunReport
from quire.documents.services import Submission
from quire.tenants.services import Caller

Submit = Callable[..., Submission]
Ended = Callable[..., None]


def standing(submission: Submission) -> RunReport:
    return reports.report(submission.document).run


def begin(submission: Submission, *, owner: str) -> None:
    """Have a worker process begin it, and live on however slow this machine is."""
    assert lifecycle.claim(task_id=submission.ingestion.task_id, owner=owner)
    Ingestion.objects.filter(id=submission.ingestion.id).update(lease_expires_at=lifecycle.in_s(3600))


@pytest.fixture
def ended(submit: Submit) -> Ended:
    """A document that ended a while ago, and took so long."""

    def ended(content: str, **timings: float) -> None:
        run = submit(content).ingestion
        changes = {"status": "completed", "timings": timings, "finished_at": lifecycle.in_s(-3600)}
        Ingestion.objects.filter(id=run.id).update(lease_owner="host:1", **changes)

    return ended


def test_before_anything_has_ended_nobody_knows_how_long_it_takes(submit: Submit) -> None:
    begin(submit("Under way."), owner="host:1")
    run = standing(submit("Waits."))
    assert (run.queue_position, run.progress.eta_s) == (1, None)


def test_while_nobody_works_nobody_knows_how_long_it_takes(submit: Submit, ended: Ended) -> None:
    ended("Long ago.", embedding=4.0)
    run = standing(submit("Waits."))
    assert (run.queue_position, run.progress.eta_s) == (1, None)


def test_the_wait_is_that_of_all_turns_before_it_on_the_processes_at_work(
    submit: Submit, ended: Ended, stranger: Caller
) -> None:
    ended("Long ago.", extracting=1.0, embedding=4.0)
    ended("Not so long ago.", embedding=3.0, waiting=60.0)  # for a provider: that kept no process
    for number in (1, 2):
        begin(submit(f"Under way {number}."), owner=f"host:{number}")
    for number in range(9):
        submit(f"Another's {number}.", by=stranger)
    submit("First.")
    run = standing(submit("Second."))
    assert (run.queue_position, run.progress.eta_s) == (2, (2 + 2) * 4.0 / 2)


def test_a_process_between_two_documents_counts(submit: Submit, ended: Ended) -> None:
    ended("A moment ago.", embedding=4.0)
    Ingestion.objects.update(finished_at=lifecycle.in_s(3600))  # however slow this machine is
    assert standing(submit("Waits.")).progress.eta_s == 4.0


def test_a_long_document_is_waited_for_no_longer_than_its_slice(submit: Submit, ended: Ended) -> None:
    ended("Long.", embedding=3600.0)
    begin(submit("Under way."), owner="host:1")
    assert standing(submit("Waits.")).progress.eta_s == settings.ENV.slice_s


def test_what_waits_for_its_next_attempt_is_in_no_line(submit: Submit) -> None:
    first, second = submit("First."), submit("Second.")
    Ingestion.objects.filter(id=first.ingestion.id).update(next_attempt_at=lifecycle.in_s(60))
    assert standing(first).queue_position is None
    assert standing(second).queue_position == 1


def test_a_replacement_that_waits_is_told_its_place_too(submit: Submit, caller: Caller) -> None:
    answers = submit("Answers.")
    Ingestion.objects.update(status="completed")
    Document.objects.update(status="completed", active_ingestion=answers.ingestion)
    submit("Before it.")
    services.reindex(tenant=caller.tenant, document_id=answers.document.id)
    pending = reports.report(services.get(tenant=caller.tenant, document_id=answers.document.id)).pending
    assert pending is not None
    assert pending.queue_position == 2


def test_many_that_wait_cost_as_many_queries_as_one(submit: Submit, ended: Ended) -> None:
    ended("Long ago.", embedding=4.0)
    documents = [submit(f"Document {number}.").document for number in range(20)]
    counts = []
    for wanted in (documents[:1], documents):
        with CaptureQueriesContext(connection) as queries:
            shown = reports.reports(wanted)
        counts.append(len(queries))
    assert [report.run.queue_position for report in shown] == list(range(1, 21))
    assert counts[0] == counts[1]
