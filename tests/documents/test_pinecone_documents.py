"""Documents whose vectors are kept at Pinecone: outside of every transaction, and found only a while after."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from clean_slate import let_time_pass

from quire import registry
from quire.backends.vectorstores.pinecone import PineconeVectorStore
from quire.chat.search import search
from quire.core.types import VectorRecord
from quire.documents import audit, collector, ingestion, lifecycle, services
from quire.documents.ingestion import Outcome, Result
from quire.documents.models import Chunk, Document, Ingestion, Tombstone
from quire.documents.services import Submission
from quire.tenants.services import Caller, create_tenant
from quire.testing import pinecone_server
from quire.testing.embedder import HashingEmbedder
from quire.testing.extractor import ScriptedExtractor
from quire.testing.pinecone.control import Described
from quire.testing.pinecone.index import Index
from quire.testing.pinecone_server import Fault, PineconeServer

Submit = Callable[..., Submission]
DIMENSIONS = HashingEmbedder().dimensions


@pytest.fixture(scope="module")
def running() -> Iterator[PineconeServer]:
    with pinecone_server.serving() as server:
        yield server


@pytest.fixture(scope="module")
def shared(running: PineconeServer) -> PineconeVectorStore:
    """One for all tests: a client of the SDK takes half a second to make."""
    return PineconeVectorStore(
        api_key=running.api_key, host=running.url, index="quire", timeout_s=30, settles_within_s=2
    )


@pytest.fixture
def server(running: PineconeServer) -> PineconeServer:
    """As new, with an index."""
    running.faults.clear()
    running.exchanges.clear()
    running.project.indexes = {"quire": Described(index=Index(dimension=DIMENSIONS))}
    return running


@pytest.fixture
def submit(server: PineconeServer, shared: PineconeVectorStore, submit: Submit) -> Iterator[Submit]:
    with registry.using(vector_store=shared):
        yield submit


def run(submission: Submission) -> Outcome:
    return ingestion.run(task_id=submission.ingestion.task_id)


def found(caller: Caller, text: str = "topic3") -> set[uuid.UUID]:
    """The documents that a search shows."""
    return {chunk.document_id for chunk in search(tenant=caller.tenant, query=text, limit=5)}


def held(server: PineconeServer, caller: Caller) -> set[str]:
    """The runs whose vectors can be found."""
    return {key.partition("#")[0] for key in server.ids(str(caller.tenant.id))}


def test_a_document_is_completed_and_found_by_its_vectors(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    submission = submit()
    assert run(submission).result is Result.COMPLETED
    assert len(server.ids(str(caller.tenant.id))) == Chunk.objects.count() > 1
    vector = registry.embedder().embed_query("topic3")
    (hit,) = registry.vector_store().query(str(caller.tenant.id), vector, limit=1)
    assert Chunk.objects.get(id=hit.id).ingestion_id == submission.ingestion.id
    assert found(caller) == {submission.document.id}


def test_a_usual_delay_is_waited_for_in_place(submit: Submit, server: PineconeServer) -> None:
    server.index.visible_after_s = 0.1
    submission = submit()
    assert run(submission).result is Result.COMPLETED
    assert Ingestion.objects.get(id=submission.ingestion.id).attempts == 0


def test_a_long_delay_makes_the_document_wait_and_costs_no_attempt(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    server.index.visible_after_s = 1000
    submission = submit()
    assert run(submission).result is Result.PUT_BACK
    waiting = Ingestion.objects.get(id=submission.ingestion.id)
    assert (waiting.status, waiting.attempts, waiting.waiting_for) == ("queued", 0, "the vector store")
    assert found(caller) == set()
    server.index.visible_after_s = 0
    let_time_pass(3600)
    assert run(submission).result is Result.COMPLETED
    assert found(caller) == {submission.document.id}


def test_a_half_built_document_is_never_found(
    submit: Submit, server: PineconeServer, caller: Caller, extractor: ScriptedExtractor
) -> None:
    extractor.texts = extractor.texts * 20
    submission = submit()
    server.fail_next(Fault(path="/vectors/upsert", status=503, is_done=True))
    assert run(submission).result is Result.PUT_BACK
    assert held(server, caller) == {str(submission.ingestion.id)}
    assert (Chunk.objects.count(), found(caller)) == (0, set())
    let_time_pass(3600)
    assert run(submission).result is Result.COMPLETED
    assert len(server.ids(str(caller.tenant.id))) == Chunk.objects.count()
    assert found(caller) == {submission.document.id}


def test_a_storm_of_429_costs_no_attempt(submit: Submit, server: PineconeServer) -> None:
    server.fail_next(Fault(path="/vectors", status=429, headers={"Retry-After": "30"}), times=6)
    submission = submit()
    for _ in range(6):
        assert run(submission).result is Result.PUT_BACK
        waiting = Ingestion.objects.get(id=submission.ingestion.id)
        assert (waiting.attempts, waiting.waiting_for) == (0, "the quota at Pinecone")
        let_time_pass(3600)
    assert run(submission).result is Result.COMPLETED


def test_a_service_that_stays_away_fails_the_document_after_four_attempts(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    server.fail_next(Fault(path="/vectors/upsert", happening="cut"), times=4)
    submission = submit()
    for _ in range(4):
        outcome = run(submission)
        let_time_pass(3600)
    assert outcome.result is Result.FAILED
    assert outcome.error is not None
    assert outcome.error.message.startswith("Pinecone could not be reached")


def test_a_key_that_is_refused_fails_the_document_at_once(submit: Submit, server: PineconeServer) -> None:
    server.fail_next(Fault(path="/vectors/upsert", status=403))
    assert run(submit()).result is Result.FAILED


def test_a_replaced_document_answers_with_its_new_vectors_and_the_old_ones_go(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    first = submit()
    run(first)
    again = services.reindex(tenant=caller.tenant, document_id=first.document.id)
    run(again)
    assert held(server, caller) == {str(first.ingestion.id), str(again.ingestion.id)}
    collector.collect()
    assert held(server, caller) == {str(again.ingestion.id)}
    assert found(caller) == {first.document.id}


def test_a_run_that_begins_anew_leaves_nothing_of_its_first_vectors(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    class Other(HashingEmbedder):
        def __init__(self) -> None:
            super().__init__()
            self.id = "other"

    submission = submit()
    server.fail_next(Fault(path="/vectors/upsert", status=503, is_done=True))
    server.index.visible_after_s = 0.1
    run(submission)
    stale = VectorRecord(
        id=str(uuid.uuid4()),
        values=registry.embedder().embed_query("old"),
        metadata={"upload_id": str(submission.document.id), "ingestion_id": str(submission.ingestion.id)},
    )
    registry.vector_store().upsert(str(caller.tenant.id), [stale])
    let_time_pass(3600)
    with registry.using(embedder=Other()):
        assert run(submission).result is Result.HANDED_BACK
        assert run(submission).result is Result.COMPLETED
    server.index.visible_after_s = 0
    collector.collect()
    assert held(server, caller) == {str(Ingestion.objects.get(status="completed").id)}
    assert len(server.ids(str(caller.tenant.id))) == Chunk.objects.count()


def test_nothing_is_left_of_a_deleted_document(submit: Submit, server: PineconeServer, caller: Caller) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    collector.collect()
    assert (Document.objects.count(), server.ids(str(caller.tenant.id))) == (0, [])


def test_a_document_is_gone_only_when_its_vectors_are_seen_to_be_gone(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    server.index.visible_after_s = 1000
    collector.collect()
    assert (Ingestion.objects.count(), found(caller)) == (1, set())
    server.index.visible_after_s = 0
    collector.collect()
    assert Ingestion.objects.count() == 0


def test_a_delete_while_the_store_is_away_is_done_later_and_said_without_a_traceback(
    submit: Submit, server: PineconeServer, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    server.fail_next(Fault(status=503))
    collector.collect()
    assert Ingestion.objects.count() == 1
    said = [record for record in caplog.records if "purged later" in record.message]
    assert [(record.levelname, record.exc_info) for record in said] == [("WARNING", None)]
    collector.collect()
    assert Ingestion.objects.count() == 0


def test_what_a_thawed_worker_writes_after_the_purge_goes_with_the_tombstone(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    namespace = str(caller.tenant.id)
    submission = submit()
    run(submission)
    services.delete(tenant=caller.tenant, document_id=submission.document.id)
    collector.collect()
    late = VectorRecord(
        id=str(uuid.uuid4()),
        values=registry.embedder().embed_query("topic3"),
        metadata={"upload_id": str(submission.document.id), "ingestion_id": str(submission.ingestion.id)},
    )
    registry.vector_store().upsert(namespace, [late])
    collector.collect()
    assert (held(server, caller), found(caller)) == ({str(submission.ingestion.id)}, set())
    Tombstone.objects.update(purge_at=lifecycle.in_s(-1))
    collector.collect()
    assert (server.ids(namespace), Tombstone.objects.count()) == ([], 0)


def test_each_tenant_has_a_namespace_and_sees_no_other(submit: Submit, server: PineconeServer, caller: Caller) -> None:
    stranger = create_tenant(name="Others", username="eve")
    mine, theirs = submit("mine"), submit("theirs", by=stranger)
    run(mine)
    run(theirs)
    assert (held(server, caller), held(server, stranger)) == ({str(mine.ingestion.id)}, {str(theirs.ingestion.id)})
    assert (found(caller), found(stranger)) == ({mine.document.id}, {theirs.document.id})
    services.delete(tenant=caller.tenant, document_id=mine.document.id)
    collector.collect()
    assert (held(server, caller), held(server, stranger)) == (set(), {str(theirs.ingestion.id)})


def test_what_another_tenants_namespace_names_is_not_shown(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    """Were a record ever in the wrong namespace, the database would still not show it."""
    stranger = create_tenant(name="Others", username="eve")
    theirs = submit("theirs", by=stranger)
    run(theirs)
    chunk = Chunk.objects.all()[0]
    misplaced = VectorRecord(
        id=str(chunk.id),
        values=registry.embedder().embed_query("topic3"),
        metadata={"upload_id": str(theirs.document.id), "ingestion_id": str(theirs.ingestion.id)},
    )
    registry.vector_store().upsert(str(caller.tenant.id), [misplaced])
    assert found(caller) == set()


def test_the_audit_finds_vectors_that_nobody_owns_and_deletes_them(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    submission = submit()
    run(submission)
    Ingestion.objects.update(finished_at=lifecycle.in_s(-7200))
    unowned = str(uuid.uuid4())
    stray = VectorRecord(
        id=str(uuid.uuid4()),
        values=registry.embedder().embed_query("stray"),
        metadata={"upload_id": str(uuid.uuid4()), "ingestion_id": unowned},
    )
    registry.vector_store().upsert(str(caller.tenant.id), [stray])
    findings = [(finding.kind, finding.subject, finding.is_repaired) for finding in audit.audit(repair=True)]
    assert findings == [("vectors_unowned", unowned, True)]
    assert held(server, caller) == {str(submission.ingestion.id)}
    assert list(audit.audit()) == []


def test_the_audit_finds_a_document_whose_vectors_are_gone(
    submit: Submit, server: PineconeServer, caller: Caller
) -> None:
    submission = submit()
    run(submission)
    Ingestion.objects.update(finished_at=lifecycle.in_s(-7200))
    server.index.delete_namespace(str(caller.tenant.id))
    assert [finding.kind for finding in audit.audit()] == ["vectors_missing"]
