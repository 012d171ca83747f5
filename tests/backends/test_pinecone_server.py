"""The server that stands for Pinecone in tests: its answers follow Pinecone's OpenAPI, its limits and its delay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from pinecone import Index
from pinecone.errors.exceptions import NotFoundError, UnauthorizedError

from quire.testing import pinecone_server
from quire.testing.pinecone_server import PineconeServer

SCHEMAS = json.loads((Path(__file__).parent / "pinecone_schemas.json").read_text())
BODIES = {
    "/vectors/upsert": ("UpsertRequest", "UpsertResponse"),
    "/vectors/delete": ("DeleteRequest", "DeleteResponse"),
    "/vectors/update": ("UpdateRequest", "UpdateResponse"),
    "/vectors/list": ("", "ListResponse"),
    "/vectors/fetch": ("", "FetchResponse"),
    "/query": ("QueryRequest", "QueryResponse"),
    "/describe_index_stats": ("DescribeIndexStatsRequest", "IndexDescription"),
    "/namespaces": ("", "ListNamespacesResponse"),
    "/namespaces/other": ("", "NamespaceDescription"),
}
VERSION = "2026-04"


def closed(schema: Any) -> Any:
    """The schema without room for names that the OpenAPI does not know."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(part) for name, part in schema.items()}
    is_plain = "properties" in inner and "oneOf" not in inner
    return {"additionalProperties": False} | inner if is_plain else inner


CLOSED = closed(SCHEMAS)


def check(body: object, name: str) -> None:
    jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **CLOSED}).validate(body)


def vector(key: str, *values: float, **metadata: object) -> dict[str, Any]:
    return {"id": key, "values": list(values), "metadata": metadata}


@pytest.fixture
def server() -> Iterator[PineconeServer]:
    with pinecone_server.serving() as server:
        create(server)
        yield server


def create(server: PineconeServer, **changes: object) -> httpx.Response:
    place = {"serverless": {"cloud": "aws", "region": "us-east-1"}}
    return ask(server, "POST", "/indexes", {"name": "quire", "dimension": 3, "spec": place} | changes)


def ask(server: PineconeServer, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    given = {"Api-Key": server.api_key, "X-Pinecone-Api-Version": VERSION} | headers
    with httpx.Client(trust_env=False, verify=False) as client:  # noqa: S501 - no TLS here, whose setup takes long
        return client.request(method, server.url + path, json=body, headers=given)


@pytest.fixture
def index(server: PineconeServer) -> Iterator[Index]:
    with Index(host=server.url, api_key=server.api_key, ssl_verify=False) as index:
        yield index


def test_what_the_sdk_asks_and_gets_follows_the_openapi(server: PineconeServer, index: Index) -> None:
    index.upsert(vectors=[vector("a", 1, 0, 0, page=1), vector("b", 0, 1, 0, page=2)], namespace="one")
    index.upsert(vectors=[vector("a", 1, 0, 0)], namespace="other")
    found = index.query(vector=[1, 0.1, 0], top_k=2, namespace="one", include_values=True, include_metadata=True)
    assert [(match.id, match.metadata) for match in found.matches] == [("a", {"page": 1}), ("b", {"page": 2})]
    assert list(index.fetch(ids=["b", "none"], namespace="one").vectors) == ["b"]
    index.update(id="a", set_metadata={"page": 7}, namespace="one")
    seen = index.query(vector=[1, 0, 0], top_k=5, namespace="one", filter={"page": {"$eq": 7}})
    assert [match.id for match in seen.matches] == ["a"]
    assert index.describe_index_stats().total_vector_count == 3
    assert [namespace.name for page in index.list_namespaces() for namespace in page.namespaces] == ["one", "other"]
    assert index.describe_namespace(name="other").record_count == 1
    index.delete(ids=["a"], namespace="one")
    assert [item.id for page in index.list(namespace="one") for item in page.vectors] == ["b"]
    data = [exchange for exchange in server.exchanges if exchange.path != "/indexes"]
    assert {exchange.path for exchange in data} == set(BODIES)
    for exchange in data:
        request, answer = BODIES[exchange.path]
        check(exchange.answer, answer)
        if request:
            check(exchange.request, request)


def test_the_control_plane_follows_the_openapi(server: PineconeServer) -> None:
    check(server.calls("/indexes")[0].request, "CreateIndexRequest")
    check(server.calls("/indexes")[0].answer, "IndexModel")
    check(ask(server, "GET", "/indexes/quire").json(), "IndexModel")
    check(ask(server, "GET", "/indexes").json(), "IndexList")
    server.project.ready_after_s = 1000
    assert ask(server, "GET", "/indexes/quire").json()["status"] == {"ready": False, "state": "Initializing"}


@pytest.mark.parametrize(
    ("method", "path", "changes", "status"),
    [
        ("POST", "/indexes", {}, 409),
        ("POST", "/indexes", {"name": "No Name"}, 400),
        ("POST", "/indexes", {"name": "two", "dimension": 0}, 400),
        ("POST", "/indexes", {"name": "two", "metric": "manhattan"}, 400),
        ("GET", "/indexes/none", {}, 404),
    ],
)
def test_the_control_plane_refuses_as_the_openapi_says(
    server: PineconeServer, method: str, path: str, changes: dict[str, object], status: int
) -> None:
    place = {"serverless": {"cloud": "aws", "region": "us-east-1"}}
    answer = ask(server, method, path, {"name": "quire", "dimension": 3, "spec": place} | changes)
    assert answer.status_code == status
    check(answer.json(), "ErrorResponse")


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/vectors/upsert", {"vectors": []}, 400, "1 to 1000"),
        ("/vectors/upsert", {"vectors": [vector(str(n), 1, 0, 0) for n in range(1001)]}, 400, "1 to 1000"),
        ("/vectors/upsert", {"vectors": [vector("a", 1, 0)]}, 400, "does not match the dimension"),
        ("/vectors/upsert", {"vectors": [vector("a", 0, 0, 0)]}, 400, "non-zero"),
        ("/vectors/upsert", {"vectors": [vector("ä", 1, 0, 0)]}, 400, "ASCII"),
        ("/vectors/upsert", {"vectors": [vector("a" * 513, 1, 0, 0)]}, 400, "512"),
        ("/vectors/upsert", {"vectors": [vector("a", 1, 0, 0, text="x" * 41_000)]}, 400, "40960"),
        ("/vectors/upsert", {"vectors": [vector("a", 1, 0, 0, page=None)]}, 400, "page"),
        (
            "/vectors/upsert",
            {"vectors": [vector(str(n), 1, 0, 0, text="x" * 40_000) for n in range(60)]},
            400,
            "2097152",
        ),
        ("/query", {"vector": [1, 0, 0], "topK": 10_001}, 400, "10000"),
        ("/query", {"vector": [1, 0], "topK": 1}, 400, "dimension"),
        ("/query", {"vector": [1, 0, 0], "id": "a", "topK": 1}, 400, "exactly one"),
        ("/query", {"vector": [1, 0, 0], "topK": 1, "filter": {"page": {"$near": 1}}}, 400, "$near"),
        ("/vectors/delete", {"ids": ["a"], "deleteAll": True}, 400, "exactly one"),
        ("/vectors/delete", {"ids": [str(n) for n in range(1001)]}, 400, "1000"),
        ("/vectors/delete", {"ids": ["a"], "namespace": "none"}, 404, "Namespace not found"),
        ("/describe_index_stats", {"filter": {"page": {"$eq": 1}}}, 400, "metadata filtering"),
    ],
)
def test_limits_are_kept_as_the_openapi_says(
    server: PineconeServer, path: str, body: dict[str, object], status: int, said: str
) -> None:
    answer = ask(server, "POST", path, body)
    assert (answer.status_code, said in answer.json()["message"]) == (status, True), answer.text
    check(answer.json(), "rpcStatus")


def test_a_key_is_asked_for(server: PineconeServer) -> None:
    with Index(host=server.url, api_key="another", ssl_verify=False) as index, pytest.raises(UnauthorizedError):
        index.describe_index_stats()
    check(server.exchanges[-1].answer, "rpcStatus")


def test_the_version_is_asked_for(server: PineconeServer) -> None:
    assert ask(server, "GET", "/indexes", **{"X-Pinecone-Api-Version": ""}).status_code == 400


def test_a_write_is_found_only_after_a_while_and_its_number_tells_when(server: PineconeServer, index: Index) -> None:
    first = index.upsert(vectors=[vector("a", 1, 0, 0)], namespace="one")
    assert server.ids("one") == ["a"]
    server.index.visible_after_s = 1000
    second = index.upsert(vectors=[vector("b", 1, 0, 0)], namespace="one")
    index.delete(ids=["a"], namespace="one")
    early = index.query(vector=[1, 0, 0], top_k=5, namespace="one")
    server.index.visible_after_s = 0
    late = index.query(vector=[1, 0, 0], top_k=5, namespace="one")
    assert [match.id for match in early.matches] == ["a"]
    assert [match.id for match in late.matches] == ["b"]
    assert early.response_info.is_reconciled(first.response_info.lsn_committed)
    assert not early.response_info.is_reconciled(second.response_info.lsn_committed)
    assert late.response_info.is_reconciled(second.response_info.lsn_committed)


def test_a_namespace_does_not_exist_before_its_first_write_is_found(server: PineconeServer, index: Index) -> None:
    server.index.visible_after_s = 1000
    index.upsert(vectors=[vector("a", 1, 0, 0)], namespace="one")
    assert list(index.list(namespace="one")) == []
    with pytest.raises(NotFoundError):
        index.delete(delete_all=True, namespace="one")


def test_an_update_of_no_record_changes_nothing_and_has_a_number(server: PineconeServer, index: Index) -> None:
    index.upsert(vectors=[vector("a", 1, 0, 0)], namespace="one")
    updated = index.update(id="none", set_metadata={"x": 1}, namespace="one")
    assert updated.response_info is not None
    assert updated.response_info.lsn_committed == 2
    assert server.ids("one") == ["a"]


def test_ids_come_sorted_by_page_and_by_prefix(server: PineconeServer, index: Index) -> None:
    index.upsert(vectors=[vector(f"{letter}#{n:03}", 1, 0, 0) for n in range(150) for letter in "ab"])
    pages = [[item.id for item in page.vectors] for page in index.list(prefix="b#")]
    assert [len(page) for page in pages] == [100, 50]
    assert [key for page in pages for key in page] == [f"b#{n:03}" for n in range(150)]


def test_a_namespace_is_emptied_and_deleted(server: PineconeServer, index: Index) -> None:
    index.upsert(vectors=[vector("a", 1, 0, 0), vector("b", 1, 0, 0, page=1)], namespace="one")
    index.delete(filter={"page": {"$eq": 1}}, namespace="one")
    assert server.ids("one") == ["a"]
    index.delete(delete_all=True, namespace="one")
    assert server.ids("one") == []
    index.delete_namespace(name="one")
    with pytest.raises(NotFoundError):
        index.describe_namespace(name="one")


RECORDS = [
    vector("both", 1, 0, 0, page=1, tags=["x", "y"]),
    vector("other", 1, 0, 0, page=2, tags=["y"]),
    vector("none", 1, 0, 0),
]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"page": 1}, {"both"}),
        ({"page": {"$eq": 1}}, {"both"}),
        ({"page": {"$ne": 1}}, {"other", "none"}),
        ({"tags": {"$eq": "x"}}, {"both"}),
        ({"tags": {"$in": ["x", "y"]}}, {"both", "other"}),
        ({"tags": {"$nin": ["x"]}}, {"other", "none"}),
        ({"page": {"$gt": 1}}, {"other"}),
        ({"page": {"$gte": 1, "$lt": 2}}, {"both"}),
        ({"page": {"$lte": 2}}, {"both", "other"}),
        ({"page": {"$exists": False}}, {"none"}),
        ({"page": {"$gte": 1}, "tags": "x"}, {"both"}),
        ({"$and": [{"page": 1}, {"tags": "y"}]}, {"both"}),
        ({"$or": [{"page": 1}, {"page": {"$exists": False}}]}, {"both", "none"}),
    ],
)
def test_filters_mean_what_pinecone_says(index: Index, condition: dict[str, Any], expected: set[str]) -> None:
    index.upsert(vectors=RECORDS)
    found = index.query(vector=[1, 0, 0], top_k=10, filter=condition)
    assert {match.id for match in found.matches} == expected
