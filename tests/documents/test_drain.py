"""A worker that is asked to stop hands its work back at once, unmarked, and another goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from quire.core.types import Page
from quire.documents import drain, ingestion
from quire.documents.ingestion import Result
from quire.documents.models import Ingestion
from quire.documents.services import Submission
from quire.testing.extractor import ScriptedExtractor

Submit = Callable[..., Submission]


@pytest.fixture(autouse=True)
def _not_draining() -> Iterator[None]:
    yield
    drain.end()


class StoppingExtractor(ScriptedExtractor):
    """The worker is asked to stop while page 12 is read."""

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        for page in super().pages(first=first):
            if page.number == 12 and self.read.count(12) == 1:
                drain.begin()
            yield page


@pytest.fixture
def extractor(extractor: ScriptedExtractor) -> ScriptedExtractor:
    return StoppingExtractor(extractor.texts)


def test_work_is_handed_back_unmarked_and_goes_on_where_it_was(submit: Submit, extractor: ScriptedExtractor) -> None:
    task_id = submit().ingestion.task_id
    assert ingestion.run(task_id=task_id).result is Result.HANDED_BACK
    row = Ingestion.objects.get()
    assert (row.status, row.attempts, row.crash_count, row.pages_done) == ("queued", 0, 0, 16)
    drain.end()
    assert ingestion.run(task_id=task_id).result is Result.COMPLETED
    assert extractor.read == [*range(1, 17), *range(17, 21)]


def test_a_worker_that_stops_begins_nothing(submit: Submit) -> None:
    task_id = submit().ingestion.task_id
    drain.begin()
    assert ingestion.run(task_id=task_id).result is Result.NOTHING_TO_DO
    assert Ingestion.objects.get().status == "queued"
