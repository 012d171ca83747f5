"""A change of the embedding model: refused until `quire reindex` has queued what the old one made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quire import registry
from quire.core.errors import PermanentError
from quire.documents import ingestion, services
from quire.documents.models import Document, Ingestion
from quire.ops import checks, reindexing
from quire.testing.embedder import HashingEmbedder

TakeIn = Callable[..., Document]


def test_nothing_is_refused_while_the_model_is_the_same(take_in: TakeIn) -> None:
    take_in()
    checks.refuse_foreign_vectors()


def test_another_model_is_refused_with_what_to_do(take_in: TakeIn) -> None:
    take_in()
    with (
        registry.using(embedder=HashingEmbedder(dimensions=32)),
        pytest.raises(PermanentError, match=r"1 documents .*hashing-64.*hashing-32.*quire reindex") as caught,
    ):
        checks.refuse_foreign_vectors()
    assert caught.value.code == "embedder_changed"


def test_reindex_queues_what_another_model_made_and_the_start_is_free(take_in: TakeIn) -> None:
    document = take_in()
    with registry.using(embedder=HashingEmbedder(dimensions=32)):
        assert reindexing.reindex(document_id=None, everything=False) == 1
        checks.refuse_foreign_vectors()
        ingestion.run(task_id=services.newest(document).task_id)
        document.refresh_from_db()
        assert document.active_ingestion
        assert document.active_ingestion.embedder_id == "hashing-32"
        assert not checks.foreign_documents().exists()


def test_reindex_leaves_alone_what_the_present_model_made(take_in: TakeIn) -> None:
    take_in()
    assert reindexing.reindex(document_id=None, everything=False) == 0
    assert Ingestion.objects.count() == 1


def test_reindex_of_all_takes_every_completed_document(take_in: TakeIn) -> None:
    take_in("Cloves are flower buds. They were dear.")
    take_in("Pepper is a vine. It climbs.")
    assert reindexing.reindex(document_id=None, everything=True) == 2


def test_reindex_of_one_takes_that_one(take_in: TakeIn) -> None:
    document = take_in()
    assert reindexing.reindex(document_id=str(document.id), everything=False) == 1
    assert services.newest(document).kind == Ingestion.Kind.REINDEX


@pytest.mark.parametrize("document_id", ["00000000-0000-0000-0000-000000000000", "spice.pdf"])
def test_reindex_of_what_is_not_there_says_so(caller: object, document_id: str) -> None:
    with pytest.raises(PermanentError, match="no completed document"):
        reindexing.reindex(document_id=document_id, everything=False)
