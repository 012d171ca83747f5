"""Uploads through Django's test client: what is answered, and what is kept. The gate and real workers: test_live.py."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from quire.documents.models import Document, Ingestion
from quire.tenants.services import Caller

TEXT = b"Nutmeg grew only on the Banda islands.\n"


def upload(client: Client, content: bytes = TEXT, *, name: str = "spice.txt", **more: Any) -> Any:
    headers = more.pop("headers", {})
    return client.post("/api/ingest/", {"file": SimpleUploadedFile(name, content), **more}, headers=headers)


def test_an_upload_is_answered_at_once_with_its_task_and_document(client: Client, caller: Caller) -> None:
    answer = upload(client)
    body = answer.json()
    ingestion = Ingestion.objects.get()
    assert answer.status_code == 202
    assert body["message"] == "Processing started"
    assert body["async"] is True
    assert body["task_id"] == str(ingestion.task_id) == body["document"]["task_id"]
    assert body["document"]["status"] == "processing"
    assert body["document"]["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert body["document"]["user_id"] == str(caller.user.id)
    assert answer["Location"] == f"/api/documents/{body['document']['id']}/"
    with default_storage.open(ingestion.storage_key) as stored:
        assert stored.read() == TEXT


def test_the_same_bytes_again_are_recognised(client: Client) -> None:
    first, again = upload(client), upload(client, name="other.txt")
    assert again.status_code == 200
    assert again.json()["message"] == "Already uploaded"
    assert again.json()["duplicate"] is True
    assert again.json()["document"]["id"] == first.json()["document"]["id"]
    assert Document.objects.count() == 1


def test_a_document_that_failed_is_tried_again_by_its_upload(client: Client) -> None:
    first = upload(client).json()
    Document.objects.update(status="failed")
    Ingestion.objects.update(status="failed", error_code="x", error_message="y")
    again = upload(client)
    assert again.status_code == 202
    assert again.json()["document"]["id"] == first["document"]["id"]
    assert again.json()["task_id"] != first["task_id"]


def test_the_bytes_of_a_deleted_document_make_a_new_one(client: Client) -> None:
    first = upload(client).json()
    client.delete(first["document"]["id"].join(("/api/documents/", "/")))
    again = upload(client)
    assert again.status_code == 202
    assert again.json()["document"]["id"] != first["document"]["id"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("line\nbreak\x00.txt", "linebreak.txt"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
        ("a." + "x" * 300, None),
        ("", "Untitled"),
        ("..", "Untitled"),
        ("\u202e\u200b", "Untitled"),
        ("<script>alert(1)</script>.txt", "script>.txt"),
        ("Größe – 中文.txt", "Größe – 中文.txt"),
    ],
)
def test_a_strange_name_is_stored_and_shown_safely(client: Client, name: str, shown: str | None) -> None:
    head = f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + TEXT + b"\r\n--limit--\r\n"
    answer = client.post("/api/ingest/", body, content_type="multipart/form-data; boundary=limit")
    assert answer.status_code == 202, answer.content
    kept = answer.json()["document"]["name"]
    assert len(kept) <= 200
    assert shown is None or kept == shown
    key = Ingestion.objects.get().storage_key
    assert [str(UUID(part)) for part in key.split("/")] == key.split("/")


def test_a_file_without_a_name_is_kept_byte_for_byte(client: Client) -> None:
    content = b"%PDF-1.7\n" + bytes(range(256)) * 12_000  # more than a field of a form may hold
    body = (
        b'--limit\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n' + content + b"\r\n--limit--\r\n"
    )
    answer = client.post("/api/ingest/", body, content_type="multipart/form-data; boundary=limit")
    assert answer.status_code == 202, answer.content
    with default_storage.open(Ingestion.objects.get().storage_key) as kept:
        assert kept.read() == content


def test_a_title_takes_the_place_of_the_name(client: Client) -> None:
    assert upload(client, title="On nutmeg").json()["document"]["name"] == "On nutmeg"


@pytest.mark.parametrize(
    ("post", "status", "code"),
    [
        ({}, 400, "file_missing"),
        ({"file": "a text, not a file"}, 400, "file_missing"),
        ({"file": SimpleUploadedFile("empty.pdf", b"")}, 400, "file_empty"),
        ({"file": SimpleUploadedFile("program.pdf", b"MZ\x90\x00" + bytes(range(256)) * 4)}, 415, "unsupported_type"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_leaves_nothing(
    client: Client, post: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/api/ingest/", post)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Document.objects.exists()


@pytest.mark.parametrize("other_field", ["file", "files"])
def test_two_files_in_one_request_are_refused_and_neither_is_kept(client: Client, other_field: str) -> None:
    first, second = SimpleUploadedFile("a.txt", b"The first.\n"), SimpleUploadedFile("b.txt", b"The second.\n")
    form = {"file": [first, second]} if other_field == "file" else {"file": first, other_field: second}
    answer = client.post("/api/ingest/", form)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == ["file"]
    assert "Send one file a request" in answer.json()["detail"]
    assert not Document.objects.exists()


def test_a_file_over_the_limit_is_refused(client: Client, settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"max_upload_bytes": 10})
    answer = upload(client)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


def test_a_storage_that_cannot_write_answers_503_and_keeps_nothing(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file where the folder should be"
    blocked.write_text("")
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": {"location": blocked}}}
    answer = upload(client)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert not Document.objects.exists()


def test_the_same_key_with_the_same_request_gets_the_same_answer(client: Client) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = upload(client, headers=headers)
    again = upload(client, headers=headers)
    assert (again.status_code, again.json(), again["Location"]) == (202, first.json(), first["Location"])


def test_a_key_used_for_another_request_is_refused(client: Client) -> None:
    upload(client, headers={"Idempotency-Key": "k1"})
    answer = upload(client, b"other text", headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Document.objects.count() == 1


def test_a_key_whose_first_request_still_runs_is_refused(client: Client) -> None:
    from quire.api.models import IdempotencyKey

    upload(client, headers={"Idempotency-Key": "k1"})
    IdempotencyKey.objects.update(status=None)
    answer = upload(client, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")


def test_a_key_is_free_again_after_a_day(client: Client) -> None:
    from datetime import timedelta

    from django.db.models import F

    from quire.api.models import IdempotencyKey

    upload(client, headers={"Idempotency-Key": "k1"})
    IdempotencyKey.objects.update(created_at=F("created_at") - timedelta(hours=25))
    assert upload(client, b"other text", headers={"Idempotency-Key": "k1"}).status_code == 202


def test_a_refused_request_does_not_use_up_its_key(client: Client) -> None:
    upload(client, b"", headers={"Idempotency-Key": "k1"})
    assert upload(client, headers={"Idempotency-Key": "k1"}).status_code == 202


def test_a_body_that_is_no_form_is_a_problem_not_a_crash(client: Client) -> None:
    answer = client.post("/api/ingest/", b"garbage", content_type="multipart/form-data; boundary=x y")
    assert answer.status_code == 400
    assert json.loads(answer.content)["status"] == 400


def test_a_browser_uploads_by_its_session_and_csrf_token(caller: Caller) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(caller.user)
    browser.cookies["csrftoken"] = "a" * 32
    assert upload(browser).status_code == 403
    assert upload(browser, headers={"X-CSRFToken": "a" * 32}).status_code == 202
