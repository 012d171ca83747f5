"""A vector store outside: whether it answers is told quickly, and what is wrong with what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from quire import registry
from quire.backends.vectorstores.pinecone import PineconeVectorStore
from quire.ops import diagnosis
from quire.ops.patience import Patience
from quire.testing import pinecone_server
from quire.testing.embedder import HashingEmbedder
from quire.testing.pinecone.control import Described
from quire.testing.pinecone.index import Index
from quire.testing.pinecone_server import Fault, PineconeServer

DIMENSIONS = HashingEmbedder().dimensions


@pytest.fixture
def server() -> Iterator[PineconeServer]:
    with pinecone_server.serving() as server:
        server.project.indexes = {"quire": Described(index=Index(dimension=DIMENSIONS))}
        yield server


def using(server: PineconeServer, *, api_key: str = "", index: str = "quire") -> PineconeVectorStore:
    return PineconeVectorStore(api_key=api_key or server.api_key, host=server.url, index=index, timeout_s=30)


def connected(server: PineconeServer) -> PineconeVectorStore:
    """One whose first use, which takes long on a busy machine, is behind it."""
    store = using(server)
    assert list(store.ingestion_ids("nobody")) == []
    server.exchanges.clear()
    return store


def state() -> tuple[int, str]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["parts"]["vector_store"]


def examined() -> diagnosis.Result:
    return diagnosis.EXAMINATIONS["vector store"]("vector store")


def test_readiness_names_its_state_and_uploads_stay_safe(db: None, server: PineconeServer) -> None:
    with registry.using(vector_store=connected(server)):
        assert state() == (200, "ok")
        server.fail_next(Fault(status=503))
        assert state() == (200, "unavailable")
        assert state() == (200, "ok")


def test_readiness_does_not_wait_for_one_that_is_silent(db: None, server: PineconeServer) -> None:
    """It would wait for 30 s otherwise, and then find it well."""
    with registry.using(vector_store=connected(server)):
        server.fail_next(Fault(happening="hang"))
        assert state() == (200, "unavailable")
        assert state() == (200, "unavailable")
        assert len(server.exchanges) == 1


def test_what_is_asked_may_fail_and_be_asked_again() -> None:
    patience = Patience(limit_s=10)
    with pytest.raises(ZeroDivisionError):
        patience.ask(lambda: 1 / 0)
    patience.ask(lambda: 1)


def test_the_doctor_reaches_it(db: None, server: PineconeServer) -> None:
    with registry.using(vector_store=using(server)):
        assert examined().state == "ok"
    assert [call.path for call in server.calls("/query")] == ["/query"]


@pytest.mark.parametrize(
    ("changes", "fault", "said"),
    [
        ({"api_key": "wrong"}, None, "PINECONE_API_KEY"),
        ({"index": "none"}, None, "QUIRE_PINECONE_CREATE"),
        ({}, Fault(path="/query", status=503, message="upstream"), "Pinecone failed: upstream"),
    ],
)
def test_the_doctor_says_what_is_wrong(
    db: None, server: PineconeServer, changes: dict[str, str], fault: Fault | None, said: str
) -> None:
    if fault:
        server.fail_next(fault)
    with registry.using(vector_store=using(server, **changes)):
        (result,) = [result for result in diagnosis.examine() if result.part == "vector store"]
    assert result.state == "fail"
    assert said in result.said


def test_the_doctor_says_when_the_index_has_other_dimensions(db: None, server: PineconeServer) -> None:
    server.project.indexes = {"quire": Described(index=Index(dimension=DIMENSIONS + 1))}
    with registry.using(vector_store=using(server)):
        (result,) = [result for result in diagnosis.examine() if result.part == "vector store"]
    assert (result.state, "quire reindex" in result.said) == ("fail", True)
