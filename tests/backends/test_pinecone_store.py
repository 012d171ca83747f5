"""What only the store at Pinecone promises: its limits, its delay, its faults, and the index it lives in."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator
from uuid import uuid4

import numpy as np
import pytest
from tests.contracts.vector_store_contract import DIMENSIONS, unit_vectors, vector_records

from quire.backends.vectorstores import pinecone_index
from quire.backends.vectorstores.pinecone import PineconeVectorStore
from quire.core.errors import PermanentError, RateLimited, TransientError
from quire.core.types import VectorRecord
from quire.testing import pinecone_server
from quire.testing.pinecone.control import Described
from quire.testing.pinecone.index import Index
from quire.testing.pinecone_server import Fault, PineconeServer

TIMEOUT_S = 30


@pytest.fixture(scope="module")
def running() -> Iterator[PineconeServer]:
    with pinecone_server.serving() as server:
        yield server


@pytest.fixture
def server(running: PineconeServer) -> PineconeServer:
    """As new, with an index."""
    running.faults.clear()
    running.exchanges.clear()
    running.project.ready_after_s = 0
    running.project.indexes = {"quire": Described(index=Index(dimension=DIMENSIONS))}
    return running


def make(
    server: PineconeServer,
    *,
    api_key: str = "",
    index: str = "quire",
    create_in: str = "",
    timeout_s: float = TIMEOUT_S,
    settles_within_s: float = 0.2,
) -> PineconeVectorStore:
    return PineconeVectorStore(
        api_key=api_key or server.api_key,
        host=server.url,
        index=index,
        create_in=create_in,
        timeout_s=timeout_s,
        settles_within_s=settles_within_s,
    )


@pytest.fixture(scope="module")
def shared(running: PineconeServer) -> PineconeVectorStore:
    return make(running)


@pytest.fixture
def store(server: PineconeServer, shared: PineconeVectorStore) -> PineconeVectorStore:
    """The same for most tests: a client of the SDK takes half a second to make."""
    return shared


@pytest.fixture
def namespace() -> str:
    return str(uuid4())


def records(count: int, *, text: str = "", dimensions: int = DIMENSIONS) -> list[VectorRecord]:
    made = vector_records(unit_vectors(count, dimensions=dimensions))
    return [
        VectorRecord(id=each.id, values=each.values, metadata=each.metadata | ({"text": text} if text else {}))
        for each in made
    ]


def test_records_go_out_with_what_a_reader_of_the_index_needs(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    (record,) = records(1)
    store.upsert(namespace, [record])
    sent = server.calls("/vectors/upsert")[0].request
    assert sent["namespace"] == namespace
    assert sent["vectors"][0]["id"] == f"{record.metadata['ingestion_id']}#{record.id}"
    assert sent["vectors"][0]["metadata"] == record.metadata
    assert np.array(sent["vectors"][0]["values"], np.float32) == pytest.approx(record.values, abs=1e-8)


def test_many_records_go_out_in_requests_of_a_thousand(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    store.upsert(namespace, records(2001))
    assert [len(call.request["vectors"]) for call in server.calls("/vectors/upsert")] == [1000, 1000, 1]
    assert len(server.ids(namespace)) == 2001


def test_large_records_go_out_in_requests_of_two_megabytes(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    store.upsert(namespace, records(120, text="x" * 35_000))
    calls = server.calls("/vectors/upsert")
    assert [call.status for call in calls] == [200, 200, 200]
    assert min(call.bytes for call in calls[:-1]) > 1.9 * 2**20


@pytest.mark.parametrize("text", ["x" * 100_000, "語" * 50_000, '\x00\\"' * 20_000, "\ud800 half a pair" * 3_000])
def test_text_beyond_the_limit_is_cut_and_the_rest_of_the_record_is_whole(
    server: PineconeServer, store: PineconeVectorStore, namespace: str, text: str
) -> None:
    (record,) = records(1, text=text)
    store.upsert(namespace, [record])
    sent = server.calls("/vectors/upsert")[0].request["vectors"][0]["metadata"]
    assert text.encode(errors="replace").decode().startswith(sent.pop("text"))
    assert sent == {name: value for name, value in record.metadata.items() if name != "text"}


def test_text_within_the_limit_is_sent_whole(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    text = "語" * 13_000
    store.upsert(namespace, records(1, text=text))
    assert server.calls("/vectors/upsert")[0].request["vectors"][0]["metadata"]["text"] == text


def test_a_vector_that_is_not_finite_is_a_bug(store: PineconeVectorStore, namespace: str) -> None:
    (record,) = records(1)
    record.values[0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        store.upsert(namespace, [record])


def test_a_run_of_many_records_is_counted_and_deleted_whole(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    many, other = records(1234), records(1)
    store.upsert(namespace, [*many, *other])
    ingestion_id = many[0].metadata["ingestion_id"]
    assert store.count(namespace, ingestion_id=ingestion_id) == 1234
    store.delete(namespace, ingestion_id=ingestion_id)
    assert [len(call.request["ids"]) for call in server.calls("/vectors/delete")] == [1000, 234]
    assert server.ids(namespace) == [f"{other[0].metadata['ingestion_id']}#{other[0].id}"]


def test_settling_waits_until_a_write_is_found(server: PineconeServer, namespace: str) -> None:
    server.index.visible_after_s = 1000
    made, store = records(3), make(server, settles_within_s=60)
    store.upsert(namespace, made)
    assert store.count(namespace, ingestion_id=made[0].metadata["ingestion_id"]) == 0
    threading.Timer(0.05, lambda: setattr(server.index, "visible_after_s", 0)).start()
    store.settle(namespace)
    assert store.count(namespace, ingestion_id=made[0].metadata["ingestion_id"]) == 3


def test_settling_waits_for_what_another_process_wrote(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    other = make(server)
    other.upsert(namespace, records(1))
    assert len(server.ids(namespace)) == 1
    server.index.visible_after_s = 1000
    other.upsert(namespace, records(1))
    with pytest.raises(RateLimited):
        store.settle(namespace)


def test_a_store_that_stays_behind_makes_the_document_wait_and_burns_no_attempt(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    server.index.visible_after_s = 1000
    store.upsert(namespace, records(1))
    with pytest.raises(RateLimited) as wait:
        store.settle(namespace)
    assert (wait.value.waiting_for, wait.value.retry_after_s) == ("the vector store", 15)


def test_an_empty_namespace_is_settled(store: PineconeVectorStore, namespace: str) -> None:
    store.settle(namespace)


def test_a_namespace_that_was_deleted_and_begun_anew_is_settled(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    """Its numbers begin anew too: the last number of ours means nothing then."""
    for _ in range(5):
        store.upsert(namespace, records(1))
    assert server.ids(namespace)
    server.index.delete_namespace(namespace)
    make(server).upsert(namespace, records(1))
    assert len(server.ids(namespace)) == 1
    store.settle(namespace)


def test_429_is_a_wait_as_long_as_pinecone_says(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    server.fail_next(Fault(path="/vectors/upsert", status=429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited) as wait:
        store.upsert(namespace, records(1))
    assert wait.value.retry_after_s == 7
    assert len(server.calls("/vectors/upsert")) == 1


def test_429_without_a_time_is_a_wait_too(server: PineconeServer, store: PineconeVectorStore, namespace: str) -> None:
    server.fail_next(Fault(status=429))
    with pytest.raises(RateLimited) as wait:
        store.query(namespace, unit_vectors(1)[0], limit=1)
    assert wait.value.retry_after_s > 0


def test_a_quota_that_is_spent_for_the_month_is_no_wait(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    said = "Request failed. You've reached your write unit limit for the current month (2000000)."
    server.fail_next(Fault(status=429, message=said))
    with pytest.raises(PermanentError, match="larger plan") as refusal:
        store.upsert(namespace, records(1))
    assert refusal.value.code == "provider_quota_spent"


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_failing_service_is_asked_once_and_may_be_asked_again(
    server: PineconeServer, store: PineconeVectorStore, namespace: str, status: int
) -> None:
    server.fail_next(Fault(status=status))
    made = records(2)
    with pytest.raises(TransientError) as failure:
        store.upsert(namespace, made)
    assert not isinstance(failure.value, RateLimited)
    assert len(server.exchanges) == 1
    store.upsert(namespace, made)
    assert store.count(namespace, ingestion_id=made[0].metadata["ingestion_id"]) == 2


@pytest.mark.parametrize("happening", ["cut", "hang"])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_lost_answer_is_transient_and_the_same_write_again_does_no_harm(
    server: PineconeServer, store: PineconeVectorStore, namespace: str, happening: str, is_done: bool
) -> None:
    server.fail_next(Fault(path="/vectors/upsert", happening=happening, is_done=is_done))
    made = records(2)
    with pytest.raises(TransientError):
        make(server, timeout_s=1).upsert(namespace, made)
    assert [call.status for call in server.calls("/vectors/upsert")] == [0]
    store.upsert(namespace, made)
    assert store.count(namespace, ingestion_id=made[0].metadata["ingestion_id"]) == 2


def test_a_question_is_given_up_before_what_no_person_waits_for(server: PineconeServer, namespace: str) -> None:
    server.fail_next(Fault(path="/query", happening="hang"))
    hasty = PineconeVectorStore(
        api_key=server.api_key, host=server.url, index="quire", timeout_s=TIMEOUT_S, question_timeout_s=0.5
    )
    with pytest.raises(TransientError, match=r"within 0.5 s"):
        hasty.query(namespace, records(1)[0].values, limit=3)


def test_a_service_that_is_not_there_is_transient(server: PineconeServer) -> None:
    store = PineconeVectorStore(api_key="key", host="http://127.0.0.1:9", index="quire", timeout_s=TIMEOUT_S)
    with pytest.raises(TransientError, match="could not be reached"):
        store.count("any", ingestion_id=str(uuid4()))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "provider_refused"),
        (401, "provider_key_refused"),
        (402, "provider_quota_spent"),
        (403, "provider_key_refused"),
    ],
)
def test_what_cannot_be_mended_by_waiting_is_permanent(
    server: PineconeServer, store: PineconeVectorStore, namespace: str, status: int, code: str
) -> None:
    server.fail_next(Fault(status=status, message="No."))
    with pytest.raises(PermanentError) as refusal:
        store.query(namespace, unit_vectors(1)[0], limit=1)
    assert refusal.value.code == code


def test_a_wrong_key_is_told_with_its_setting_and_without_the_key(
    server: PineconeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = make(server, api_key="pcsk_very_secret")
    with pytest.raises(PermanentError, match="PINECONE_API_KEY") as refusal:
        store.prepare(dimensions=DIMENSIONS)
    texts = [repr(store), repr(refusal.value), json.dumps(caplog.text)]
    assert not any("very_secret" in text for text in texts)


def test_a_key_that_the_service_repeats_is_left_out(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    server.fail_next(Fault(status=400, message=f"The key {server.api_key} may not do this."))
    with pytest.raises(PermanentError, match="may not do this") as refusal:
        store.query(namespace, unit_vectors(1)[0], limit=1)
    assert server.api_key not in refusal.value.message


def test_a_key_that_cannot_be_one_is_told_and_not_shown(server: PineconeServer) -> None:
    with pytest.raises(PermanentError, match="API key") as refusal:
        make(server, api_key="pcsk_very_secret\n").prepare(dimensions=DIMENSIONS)
    assert "very_secret" not in refusal.value.message


def test_a_name_that_no_index_may_have_is_told(server: PineconeServer) -> None:
    with pytest.raises(PermanentError, match="lowercase"):
        make(server, index="My Books", create_in="aws/us-east-1").prepare(dimensions=DIMENSIONS)


def test_a_missing_index_is_told_with_what_to_set(server: PineconeServer) -> None:
    with pytest.raises(PermanentError, match="QUIRE_PINECONE_CREATE") as refusal:
        make(server, index="none").prepare(dimensions=DIMENSIONS)
    assert refusal.value.code == "index_missing"
    with pytest.raises(PermanentError, match="none"):
        make(server, index="none").count("any", ingestion_id=str(uuid4()))


def test_a_missing_index_is_created_where_that_is_asked_for(server: PineconeServer) -> None:
    server.project.indexes.clear()
    store = make(server, create_in="gcp/europe-west4")
    store.prepare(dimensions=DIMENSIONS)
    store.prepare(dimensions=DIMENSIONS)
    (made,) = server.project.indexes.values()
    assert (made.cloud, made.region, made.index.dimension, made.index.metric) == (
        "gcp",
        "europe-west4",
        DIMENSIONS,
        "cosine",
    )


def test_an_index_that_another_process_creates_meanwhile_will_do(server: PineconeServer) -> None:
    made = dict(server.project.indexes)
    server.project.indexes.clear()
    server.fail_next(Fault(path="/indexes/quire", status=404, message="not found"))
    server.project.indexes = made
    make(server, create_in="aws/us-east-1").prepare(dimensions=DIMENSIONS)
    assert [call.status for call in server.calls("/indexes")] == [404, 409, 200]


def test_an_index_that_is_not_ready_is_waited_for(server: PineconeServer) -> None:
    server.project.ready_after_s = 1000
    threading.Timer(0.2, lambda: setattr(server.project, "ready_after_s", 0)).start()
    make(server).prepare(dimensions=DIMENSIONS)
    assert [call.answer["status"]["ready"] for call in server.calls("/indexes")] == [False, True]


def test_an_index_of_another_metric_is_refused(server: PineconeServer) -> None:
    server.index.metric = "euclidean"
    with pytest.raises(PermanentError, match="cosine") as refusal:
        make(server).prepare(dimensions=DIMENSIONS)
    assert refusal.value.code == "index_unsuitable"


def test_an_index_whose_vectors_have_a_name_of_their_own_is_refused(server: PineconeServer) -> None:
    server.project.indexes["quire"].field_name = "my_vector"
    with pytest.raises(PermanentError, match="QUIRE_PINECONE_INDEX") as refusal:
        make(server).prepare(dimensions=DIMENSIONS)
    assert refusal.value.code == "index_unsuitable"


def test_the_index_is_made_by_its_reserved_field(server: PineconeServer) -> None:
    server.project.indexes.clear()
    make(server, create_in="aws/us-east-1").prepare(dimensions=DIMENSIONS)
    assert list(server.calls("/indexes")[1].request["schema"]["fields"]) == [pinecone_index.VALUES]


def test_a_question_about_very_many_documents_is_asked_in_parts(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    first, second = records(1), records(1)
    store.upsert(namespace, [*first, *second])
    asked = [f"document-{n:05}" for n in range(10_001)]
    wanted = [first[0].metadata["upload_id"], second[0].metadata["upload_id"]]
    hits = store.query(namespace, first[0].values, limit=5, upload_ids=[*asked, *wanted])
    assert {hit.id for hit in hits} == {first[0].id, second[0].id}
    assert [len(call.request["filter"]["upload_id"]["$in"]) for call in server.calls("/query")] == [10_000, 3]


def test_a_forked_child_has_a_connection_of_its_own(
    server: PineconeServer, store: PineconeVectorStore, namespace: str
) -> None:
    made = records(2)
    store.upsert(namespace, made[:1])
    server.exchanges.clear()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            store.upsert(namespace, made[1:])
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert [call.path for call in server.exchanges] == ["/indexes/quire", "/vectors/upsert"]
    assert store.count(namespace, ingestion_id=made[0].metadata["ingestion_id"]) == 2


def test_threads_share_a_store(server: PineconeServer, store: PineconeVectorStore, namespace: str) -> None:
    made = records(80)
    parts = [made[start : start + 10] for start in range(0, 80, 10)]
    threads = [threading.Thread(target=store.upsert, args=(namespace, part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.ids(namespace)) == 80
