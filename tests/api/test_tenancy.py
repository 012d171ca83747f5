"""No route of the API lets anybody at what is somebody else's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from quire.api.urls import api
from quire.chat.models import Conversation
from quire.documents.models import Document, Ingestion
from quire.tenants import services
from quire.tenants.services import Caller

BODIES: dict[str, dict[str, Any]] = {
    "PATCH": {"name": "mine now"},
    "ask": {"question": "What is it?"},
    "conversations": {"title": "mine now"},
}


def operations() -> list[tuple[str, str]]:
    """Each method and path of the schema."""
    return [
        (method.upper(), path)
        for path, methods in api.get_openapi_schema(path_prefix="/api/")["paths"].items()
        for method in methods
    ]


def addressed() -> list[tuple[str, str]]:
    return [(method, path) for method, path in operations() if "{" in path]


@pytest.fixture
def theirs(client: Client, caller: Caller) -> dict[str, str]:
    """What Ada owns, by the name that a path has for it."""
    made = client.post("/api/ingest/", {"file": SimpleUploadedFile("a.txt", b"Ada's own words.")}).json()
    conversation = Conversation.objects.create(tenant=caller.tenant, user=caller.user, title="Ada's")
    key, _ = services.create_key(tenant=caller.tenant, user=caller.user, name="Ada's")
    return {
        "document_id": made["document"]["id"],
        "task_id": made["task_id"],
        "conversation_id": str(conversation.id),
        "key_id": str(key.id),
        "number": "1",
    }


def call(client: Client, method: str, path: str, ids: dict[str, str]) -> Any:
    """The operation, with ids for the names in its path."""
    filled = re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path)
    body = next((body for part, body in BODIES.items() if f"/{part}/" in filled), BODIES["PATCH"])
    return client.generic(method, filled, json.dumps(body), content_type="application/json")


@pytest.mark.parametrize(("method", "path"), addressed())
def test_another_tenant_gets_404(method: str, path: str, theirs: dict[str, str], stranger: Caller) -> None:
    _, raw = services.create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    answer = call(Client(headers={"Authorization": f"Bearer {raw}"}), method, path, theirs)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert Document.objects.get().name == "a.txt"
    assert Conversation.objects.get().title == "Ada's"
    assert Ingestion.objects.count() == 1


@pytest.mark.parametrize(("method", "path"), operations())
def test_nobody_and_a_revoked_key_get_401(
    method: str, path: str, theirs: dict[str, str], caller: Caller, api_key: str
) -> None:
    key, raw = services.create_key(tenant=caller.tenant, user=caller.user, name="old")
    services.revoke_key(tenant=caller.tenant, key_id=key.id)
    for headers in ({}, {"Authorization": f"Bearer {raw}"}):
        answer = call(Client(headers=headers), method, path, theirs)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["/api/ask/", "/api/search/", "/api/conversations/"])
def test_ids_of_another_tenant_in_a_body_are_404(path: str, theirs: dict[str, str], stranger: Caller) -> None:
    _, raw = services.create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    words = {"/api/ask/": "question", "/api/search/": "query", "/api/conversations/": "title"}[path]
    body = {words: "What is it?", "document_ids": [theirs["document_id"]]}
    answer = Client(headers={"Authorization": f"Bearer {raw}"}).post(path, body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_another_tenants_conversation_cannot_be_continued(theirs: dict[str, str], stranger: Caller) -> None:
    _, raw = services.create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    body = {"question": "Go on?", "conversation_id": theirs["conversation_id"]}
    answer = Client(headers={"Authorization": f"Bearer {raw}"}).post("/api/ask/", body, "application/json")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/api/documents/", "/api/tasks/", "/api/conversations/"])
def test_lists_hold_nothing_of_another_tenant(path: str, theirs: dict[str, str], stranger: Caller) -> None:
    _, raw = services.create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    assert Client(headers={"Authorization": f"Bearer {raw}"}).get(path).json()["results"] == []


def test_the_same_bytes_in_two_tenants_are_two_documents(theirs: dict[str, str], stranger: Caller) -> None:
    _, raw = services.create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    file = SimpleUploadedFile("a.txt", b"Ada's own words.")
    answer = Client(headers={"Authorization": f"Bearer {raw}"}).post("/api/ingest/", {"file": file})
    assert answer.status_code == 202
    assert answer.json()["document"]["id"] != theirs["document_id"]
