"""A run that other software had begun is begun anew as another, out of reach of whoever still works on the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import pytest
from clean_slate import let_time_pass

from quire import registry
from quire.core.errors import LeaseLost, TransientError
from quire.core.types import VectorRecord, Vectors
from quire.documents import collector, ingestion, lifecycle, tasks
from quire.documents.ingestion import Result
from quire.documents.models import Chunk, Event, Ingestion, Page
from quire.documents.services import Submission
from quire.testing.embedder import HashingEmbedder
from quire.testing.extractor import ScriptedExtractor
from quire.testing.vector_store import InMemoryVectorStore

Submit = Callable[..., Submission]


class Other(HashingEmbedder):
    """A later version, whose vectors are the opposite of the first one's."""

    def __init__(self) -> None:
        super().__init__()
        self.id = "other"

    def embed_query(self, text: str) -> Vectors:
        return -super().embed_query(text)


class Freezing(InMemoryVectorStore):
    """Before its next change, once, something else happens while its caller is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], None]] = []
        self.fails_after: int | None = None

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        if self.fails_after == 0:
            self.fails_after = None
            raise TransientError("It is away.")
        self.fails_after = self.fails_after and self.fails_after - 1
        self._freeze()
        super().upsert(namespace, records)

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        self._freeze()
        super().delete(namespace, ingestion_id=ingestion_id)

    def _freeze(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop()()


@pytest.fixture
def store(stores: None, extractor: ScriptedExtractor) -> Iterator[Freezing]:
    extractor.texts = extractor.texts * 4
    store = Freezing()
    store.prepare(dimensions=HashingEmbedder().dimensions)
    with registry.using(vector_store=store):
        yield store


def run(submission: Submission) -> Result:
    return ingestion.run(task_id=submission.ingestion.task_id).result


def run_to_its_end(submission: Submission) -> None:
    results = list(iter(lambda: run(submission), Result.COMPLETED))
    assert set(results) <= {Result.HANDED_BACK}


def overtake(submission: Submission) -> None:
    """As when a worker is stopped past its lease, and another of the new version takes the work."""
    let_time_pass(60)
    assert lifecycle.sweep() == 1
    with registry.using(embedder=Other()):
        run_to_its_end(submission)


def begun_by_the_first_version(submission: Submission, store: Freezing) -> Ingestion:
    """One batch of vectors is stored, then the work is put back."""
    store.fails_after = 1
    assert run(submission) is Result.PUT_BACK
    let_time_pass(60)
    return Ingestion.objects.get()


def assert_answers_by_the_other_version(store: Freezing) -> None:
    """Of the run that is active all vectors are there, as the other version makes them."""
    active = Ingestion.objects.get(status=Ingestion.Status.COMPLETED)
    namespace = str(active.tenant_id)
    assert store.count(namespace, ingestion_id=str(active.id)) == active.chunks_total == active.chunks.count() > 32
    for chunk in active.chunks.all():
        hits = store.query(namespace, Other().embed_query(chunk.text), limit=10_000)
        score = next(hit.score for hit in hits if hit.id == str(chunk.id))
        assert score > 0, "a vector of the first version is the opposite"


def test_a_run_of_another_embedder_is_begun_anew_as_the_same_task(submit: Submit, store: Freezing) -> None:
    submission = submit()
    old = begun_by_the_first_version(submission, store)
    with registry.using(embedder=Other()):
        assert run(submission) is Result.HANDED_BACK
        waiting = Ingestion.objects.get(status=Ingestion.Status.QUEUED)
        assert (waiting.id, waiting.task_id) != (old.id, old.task_id)
        assert waiting.task_id == submission.ingestion.task_id
        kept = ("document_id", "kind", "storage_key", "sha256", "attempts", "queued_at", "created_at")
        assert [getattr(waiting, name) for name in kept] == [getattr(old, name) for name in kept]
        assert (waiting.pages_done, waiting.chunks_done, waiting.fingerprint) == (0, 0, "")
        assert run(submission) is Result.COMPLETED
    assert tasks.report(Ingestion.objects.get(task_id=submission.ingestion.task_id)).status == "SUCCESS"
    assert_answers_by_the_other_version(store)
    kinds = Event.objects.filter(ingestion_id=waiting.id).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["queued", "claimed", "completed"]


def test_nothing_is_left_of_what_the_first_version_made(submit: Submit, store: Freezing) -> None:
    submission = submit()
    old = begun_by_the_first_version(submission, store)
    with registry.using(embedder=Other()):
        run_to_its_end(submission)
    collector.collect()
    rows = chain(Page.objects.all(), Chunk.objects.all())
    assert {row.ingestion_id for row in rows} == {Ingestion.objects.get(status="completed").id}
    assert set(store.ingestion_ids(str(old.tenant_id))) == {str(Ingestion.objects.get(status="completed").id)}


def test_a_worker_that_is_stopped_while_it_begins_anew_takes_nothing_from_the_run_that_overtakes_it(
    submit: Submit, store: Freezing
) -> None:
    submission = submit()
    begun_by_the_first_version(submission, store)
    store.meanwhile = [lambda: overtake(submission)]
    with registry.using(embedder=Other()):
        assert [run(submission), run(submission)] == [Result.HANDED_BACK, Result.NOTHING_TO_DO]
    assert not store.meanwhile, "it was stopped"
    assert_answers_by_the_other_version(store)


def test_what_a_thawed_worker_of_the_first_version_writes_is_of_a_run_that_nobody_sees(
    submit: Submit, store: Freezing
) -> None:
    submission = submit()
    old = begun_by_the_first_version(submission, store)
    store.meanwhile = [lambda: overtake(submission)]
    assert run(submission) is Result.NOTHING_TO_DO
    assert not store.meanwhile, "it was stopped"
    assert_answers_by_the_other_version(store)
    collector.collect()
    assert str(old.id) not in set(store.ingestion_ids(str(old.tenant_id)))


def test_a_deleted_document_is_not_begun_anew(submit: Submit, store: Freezing) -> None:
    submission = submit()
    begun_by_the_first_version(submission, store)
    lease = lifecycle.claim(task_id=submission.ingestion.task_id, owner="worker")
    assert lease is not None
    lifecycle.supersede(submission.document)
    with pytest.raises(LeaseLost):
        lifecycle.begin_anew(lease)
    assert Ingestion.objects.count() == 1
