"""A store that says it has taken chunks, and has not, costs an attempt and no document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from clean_slate import let_time_pass
from tests.stores import DatabaseKeywordIndex, DatabaseVectorStore

from quire import registry
from quire.core.ports import KeywordIndex, VectorStore
from quire.core.types import VectorRecord
from quire.documents import ingestion
from quire.documents.ingestion import Result
from quire.documents.models import Chunk, Ingestion, Page
from quire.documents.services import Submission
from quire.testing.embedder import HashingEmbedder
from quire.testing.extractor import ScriptedExtractor
from quire.testing.vector_store import InMemoryVectorStore

Submit = Callable[..., Submission]
Store = VectorStore | KeywordIndex


class Forgetful:
    """Loses the second batch that it is given, and keeps what comes later."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.batches = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        self.batches += 1
        if self.batches != 2:
            self._store.upsert(namespace, records)


class Late(InMemoryVectorStore):
    """Counts too few, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = self.batches = 0

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        self.counted += 1
        return super().count(namespace, ingestion_id=ingestion_id) - (self.counted == 1)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        self.batches += 1
        super().upsert(namespace, records)


STORES: dict[str, tuple[str, Callable[[], Store], int]] = {
    "vectors outside": ("vector_store", InMemoryVectorStore, 2),
    "vectors in the database": ("vector_store", DatabaseVectorStore, 1),
    "keywords": ("keyword_index", DatabaseKeywordIndex, 1),
}
"""The role of each, and how many looks tell that it has lost something."""


@pytest.mark.parametrize("store", STORES)
def test_chunks_that_a_store_has_lost_are_given_to_it_again(
    store: str, submit: Submit, extractor: ScriptedExtractor
) -> None:
    extractor.texts = extractor.texts * 4
    role, make, looks = STORES[store]
    kept = make()
    if role == "vector_store":
        kept.prepare(dimensions=HashingEmbedder().dimensions)  # type: ignore[call-arg]  # it is a vector store
    submission, forgetful = submit(), Forgetful(kept)
    with registry.using(**{role: forgetful}):
        pages: set[int] = set()
        for _ in range(looks):
            look = ingestion.run(task_id=submission.ingestion.task_id)
            assert look.result is Result.PUT_BACK
            assert look.error is not None
            assert look.error.code == "index_incomplete"
            pages = pages or set(Page.objects.values_list("pk", flat=True))
            let_time_pass(60)
        last = ingestion.run(task_id=submission.ingestion.task_id)
    assert last.result is Result.COMPLETED
    row = Ingestion.objects.get()
    counted = kept.count(str(row.tenant_id), ingestion_id=str(row.id))
    assert counted == Chunk.objects.count() == row.chunks_done == row.chunks_total
    assert forgetful.batches >= 4, "there was a batch to lose"
    assert set(Page.objects.values_list("pk", flat=True)) == pages, "no page was read again"


def test_what_a_store_outside_shows_only_later_is_not_embedded_again(
    submit: Submit, extractor: ScriptedExtractor
) -> None:
    late = Late()
    late.prepare(dimensions=HashingEmbedder().dimensions)
    submission = submit()
    with registry.using(vector_store=late):
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.PUT_BACK
        batches = late.batches
        let_time_pass(60)
        assert ingestion.run(task_id=submission.ingestion.task_id).result is Result.COMPLETED
    assert late.batches == batches
