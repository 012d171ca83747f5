"""A document lives its whole life while, one after another, each call to the outside breaks in each way it can."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from clean_slate import let_time_pass, wipe_everything
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError
from real_redis import RealRedis, task_id
from tests import stores
from tests.storage import stored_keys

from quire import registry
from quire.backends.chunkers.sentences import SentenceChunker
from quire.celery import sender
from quire.core.errors import TransientError
from quire.core.ports import VectorStore
from quire.documents import collector, dispatcher, ingestion, lifecycle, services
from quire.documents.models import Chunk, Document, Event, Ingestion, Page
from quire.documents.services import Upload
from quire.tenants.models import Tenant
from quire.tenants.services import Caller, create_tenant
from quire.testing.embedder import HashingEmbedder
from quire.testing.extractor import ScriptedExtractor
from quire.testing.faults import Died, Faults, How
from quire.testing.vector_store import InMemoryVectorStore

PAGES = [f"Page {number} is about nutmeg. It has four sentences. They are short. This ends it." for number in range(9)]
"""Two batches of pages, and at a sentence a chunk two of chunks."""


@pytest.fixture(params=["in the database", "outside"])
def store(request: pytest.FixtureRequest, transactional_db: None) -> VectorStore:
    store = stores.DatabaseVectorStore() if request.param == "in the database" else InMemoryVectorStore()
    store.prepare(dimensions=HashingEmbedder().dimensions)
    return store


@pytest.fixture
def backends(store: VectorStore) -> Iterator[None]:
    embedder, keywords = HashingEmbedder(), stores.DatabaseKeywordIndex()
    keywords.prepare()
    with registry.using(
        vector_store=store,
        keyword_index=keywords,
        embedder=embedder,
        extractor=ScriptedExtractor(PAGES),
        chunker=SentenceChunker(tokenizer=embedder.tokenizer, target_tokens=7, overlap_tokens=0),
    ):
        yield


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    path = tmp_path / "nutmeg.txt"
    path.write_text("Nutmeg.")
    return Upload(path=path, name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), bytes=7)


@pytest.mark.parametrize("how", How)
@pytest.mark.usefixtures("backends")
def test_whatever_call_breaks_the_document_is_completed_once_and_then_deleted_whole(
    how: How, upload: Upload, broker: RealRedis
) -> None:
    counting = Faults()
    _lives(counting, upload, broker)
    assert len(counting.calls) > 30
    for number, name in enumerate(counting.calls, start=1):
        faults = Faults(at=number, how=how)
        try:
            orphans = _lives(faults, upload, broker)
        except AssertionError as error:
            raise AssertionError(f"call {number}, {name}: {how}") from error
        assert faults.has_struck
        # An upload that died between file and row leaves a file that was promised to nobody: for `quire audit`.
        assert not orphans or how.is_death


def _lives(faults: Faults, upload: Upload, broker: RealRedis) -> set[str]:
    """Upload, process, look, delete and collect, while calls may break. Returns files that were left."""
    wipe_everything()
    broker.client.flushall()
    caller = create_tenant(name="Spice traders", username="anna")
    with _watching(faults):
        _try_until_it_works(lambda: services.submit(tenant=caller.tenant, user=caller.user, upload=upload))
        _machinery_runs(broker)
    orphans = _is_complete_and_alone(caller)
    with _watching(faults):
        document_id = Document.objects.get().id
        _try_until_it_works(lambda: _delete(caller.tenant, document_id))
        while Document.objects.exists():
            _try_until_it_works(collector.collect)
    _is_gone(caller.tenant, but=orphans)
    return orphans


@contextmanager
def _watching(faults: Faults) -> Iterator[None]:
    away = lambda: TransientError("It is away.")  # noqa: E731 - one word for three doors
    with ExitStack() as doors:
        for door in (
            faults.on(default_storage, "save", "open", "delete", error=lambda: OSError(5, "Input/output error")),
            faults.on(registry.embedder(), "embed_documents", error=away),
            faults.on(registry.vector_store(), "upsert", "count", "delete", error=away),
            faults.on(registry.keyword_index(), "upsert", "count", "delete", error=away),
            faults.on(sender, "send_task", error=lambda: BrokerError("Connection reset by peer")),
            faults.on(
                connection,
                "commit",
                error=lambda: OperationalError("server closed the connection"),
                on_death=connection.close,
            ),
        ):
            doors.enter_context(door)
        yield


def _try_until_it_works(call: Callable[[], object]) -> None:
    """As a person does, or a program that follows Retry-After, or a supervisor that starts a process again."""
    for _ in range(3):
        with suppress(Exception, Died):
            call()
            return
    raise AssertionError("one broken call broke three requests")


def _delete(tenant: Tenant, document_id: object) -> None:
    with suppress(services.NotFoundError):  # it was done, but the caller saw an error
        services.delete(tenant=tenant, document_id=document_id)


def _machinery_runs(broker: RealRedis) -> None:
    for _ in range(6):
        if not Ingestion.objects.filter(status__in=["queued", "running"]).exists():
            return
        let_time_pass(31)
        for job in (lifecycle.sweep, dispatcher.dispatch):
            with suppress(Exception, Died):
                job()
        while message := broker.take():
            with suppress(Exception, Died):
                ingestion.run(task_id=task_id(message))
    raise AssertionError("the document did not end")


def _is_complete_and_alone(caller: Caller) -> set[str]:
    """Check that it is complete, and nothing is there twice. Returns files that no row names."""
    run = Ingestion.objects.get()
    assert (run.status, run.document.status, run.document.active_ingestion_id) == ("completed", "completed", run.id)
    assert run.attempts <= 1
    assert list(Page.objects.order_by("number").values_list("text", flat=True)) == PAGES
    texts = list(Chunk.objects.visible().order_by("ordinal").values_list("text", flat=True))
    assert " ".join(texts) == " ".join(PAGES)
    held = {
        part.count(str(caller.tenant.id), ingestion_id=str(run.id))
        for part in (registry.vector_store(), registry.keyword_index())
    }
    assert held == {len(texts)}
    assert Event.objects.filter(kind="completed").count() == 1
    return stored_keys() - {run.storage_key}


def _is_gone(tenant: Tenant, *, but: set[str]) -> None:
    assert not any(model.objects.exists() for model in (Document, Ingestion, Page, Chunk))
    assert list(registry.vector_store().ingestion_ids(str(tenant.id))) == []
    assert stores.keyword_ingestions() == set()
    assert stored_keys() == but
