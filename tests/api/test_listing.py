"""The list of documents: its orders, and what asks for a file by its hash; and deleting several at once."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from quire.documents.models import Document
from quire.tenants.services import Caller, create_key

FILES = {"cherry.txt": 30, "Apple.txt": 10, "banana.txt": 20, "apple.txt": 25, "date with blanks.txt": 15}
"""Names, and how many bytes each has; in the order of their upload."""


def take_in(client: Client, name: str, content: bytes) -> str:
    made = client.post("/api/ingest/", {"file": SimpleUploadedFile(name, content)}).json()["document"]
    return str(made["id"])


@pytest.fixture
def other(stranger: Caller) -> Client:
    """A program of another tenant."""
    _, raw = create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    return Client(headers={"Authorization": f"Bearer {raw}"})


@pytest.fixture
def fruit(client: Client) -> dict[str, str]:
    """Ids by name."""
    return {name: take_in(client, name, name[0].encode() * size) for name, size in FILES.items()}


def names(client: Client, **query: str | int) -> list[str]:
    """All pages of a list, two documents a page."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = client.get("/api/documents/", {"limit": 2, "cursor": cursor, **query}).json()
        found += [result["name"] for result in body["results"]]
        cursor = body["next"]
    return found


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("newest", list(FILES)[::-1]),
        ("size", ["cherry.txt", "apple.txt", "banana.txt", "date with blanks.txt", "Apple.txt"]),
    ],
)
def test_each_order_goes_on_from_page_to_page(
    client: Client, fruit: dict[str, str], sort: str, expected: list[str]
) -> None:
    assert names(client, sort=sort) == expected


def test_by_name_capital_letters_stand_beside_small_ones(client: Client, fruit: dict[str, str]) -> None:
    found = names(client, sort="name")
    assert sorted(found[:2]) == ["Apple.txt", "apple.txt"]
    assert found[2:] == ["banana.txt", "cherry.txt", "date with blanks.txt"]


def test_an_order_goes_together_with_a_search(client: Client, fruit: dict[str, str]) -> None:
    assert names(client, sort="size", q="PPL") == ["apple.txt", "Apple.txt"]


def test_a_file_is_found_by_its_hash_in_its_own_tenant_only(
    client: Client, other: Client, fruit: dict[str, str]
) -> None:
    sha256 = hashlib.sha256(b"b" * 20).hexdigest()
    assert names(client, sha256=sha256) == names(client, sha256=sha256.upper()) == ["banana.txt"]
    assert names(other, sha256=sha256) == []
    assert names(client, sha256=hashlib.sha256(b"other").hexdigest()) == []


@pytest.mark.parametrize(
    "query",
    [
        {"sha256": "abc"},
        {"sha256": "x" * 64},
        {"sort": "age"},
        {"sort": "size", "cursor": "many"},
        {"sort": "size", "cursor": str(2**63)},
        {"sort": "name", "cursor": "a\0b"},
    ],
)
def test_a_list_that_cannot_be_is_refused(client: Client, query: dict[str, str]) -> None:
    if "cursor" in query:
        query |= {"cursor": base64.urlsafe_b64encode(f"{query['cursor']} {uuid.uuid4()}".encode()).decode()}
    answer = client.get("/api/documents/", query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def delete(client: Client, *document_ids: str) -> Any:
    body = json.dumps({"document_ids": document_ids})
    return client.post("/api/documents/delete/", body, content_type="application/json")


def test_several_are_deleted_by_one_call_and_those_gone_already_are_left_out(
    client: Client, fruit: dict[str, str]
) -> None:
    one, two, three = list(fruit.values())[:3]
    assert client.delete(f"/api/documents/{two}/").status_code == 204
    answer = delete(client, one, two, three)
    assert answer.status_code == 200
    assert sorted(answer.json()["document_ids"]) == sorted([one, three])
    assert names(client) == list(FILES)[3:][::-1]
    assert delete(client, one, two).status_code == 404


def test_another_tenants_documents_are_not_deleted_with_ones_own(
    client: Client, other: Client, fruit: dict[str, str], stranger: Caller
) -> None:
    own = take_in(other, "own.txt", b"Eve's own.")
    assert delete(other, own, *fruit.values()).json()["document_ids"] == [own]
    assert Document.objects.for_tenant(stranger.tenant).living().count() == 0
    assert len(names(client)) == len(fruit)
