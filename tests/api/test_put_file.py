"""`PUT /api/documents/<id>/file/` through Django's test client; what it does is proven in tests/documents."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import MULTIPART_CONTENT, encode_multipart

from quire.documents.models import Document, Ingestion
from quire.tenants.services import Caller, create_key

BOUNDARY = "BoUnDaRyStRiNg"


def send(client: Client, method: str, path: str, content: bytes, name: str = "spice.txt") -> Any:
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile(name, content)})
    return client.generic(method, path, body, content_type=MULTIPART_CONTENT)


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = send(client, "POST", "/api/ingest/", b"The first words.\n").json()["document"]
    return answer


def test_a_replacement_is_answered_at_once_with_a_new_task(client: Client, document: dict[str, Any]) -> None:
    answer = send(client, "PUT", f"/api/documents/{document['id']}/file/", b"Other words.\n")
    assert answer.status_code == 202
    assert answer.json()["document"]["id"] == document["id"]
    assert answer.json()["task_id"] != document["task_id"]
    assert list(Ingestion.objects.order_by("version").values_list("status", flat=True)) == ["superseded", "queued"]


def test_a_replacement_with_another_documents_content_is_a_conflict(client: Client, document: dict[str, Any]) -> None:
    send(client, "POST", "/api/ingest/", b"Taken.\n", "taken.txt")
    answer = send(client, "PUT", f"/api/documents/{document['id']}/file/", b"Taken.\n")
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_content")


def test_the_content_that_is_being_replaced_cannot_be_uploaded_until_it_is(
    client: Client, document: dict[str, Any]
) -> None:
    Ingestion.objects.update(status="completed")
    Document.objects.update(status="completed", active_ingestion=Ingestion.objects.get())
    send(client, "PUT", f"/api/documents/{document['id']}/file/", b"Other words.\n")
    answer = send(client, "POST", "/api/ingest/", b"The first words.\n")
    assert (answer.status_code, answer.json()["code"]) == (409, "being_replaced")
    assert "spice.txt" in answer.json()["detail"]
    assert Document.objects.count() == 1


def test_nobody_else_can_replace_it(client: Client, document: dict[str, Any], stranger: Caller) -> None:
    _, key = create_key(tenant=stranger.tenant, user=stranger.user, name="eve's")
    theirs = Client(headers={"Authorization": f"Bearer {key}"})
    assert send(theirs, "PUT", f"/api/documents/{document['id']}/file/", b"Mine now.\n").status_code == 404
    assert Document.objects.get().sha256 == document["sha256"]


def test_a_replacement_without_a_file_says_what_to_send(client: Client, document: dict[str, Any]) -> None:
    answer = client.put(f"/api/documents/{document['id']}/file/", b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "file_missing")


def test_a_replacement_by_two_files_is_refused(client: Client, document: dict[str, Any]) -> None:
    files = [SimpleUploadedFile("a.txt", b"One.\n"), SimpleUploadedFile("b.txt", b"Two.\n")]
    body = encode_multipart(BOUNDARY, {"file": files})
    answer = client.put(f"/api/documents/{document['id']}/file/", body, content_type=MULTIPART_CONTENT)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert Document.objects.get().sha256 == document["sha256"]
