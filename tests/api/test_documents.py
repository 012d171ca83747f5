"""Documents, tasks, keys and conversations through Django's test client."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client

from quire.chat import services as chat
from quire.chat.forgetting import GONE
from quire.chat.models import Conversation, Exchange
from quire.documents import ingestion
from quire.documents.lifecycle import in_s
from quire.documents.models import Document, Ingestion, Page, Status
from quire.tenants.services import Caller

JSON = "application/json"
WORDS_OF_NOTE = "Is it the content of note.txt?"
WORDS_OF_OTHER = "Is it the content of other.txt?"


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """A queued document."""
    return take_in(client, "note.txt")


def take_in(client: Client, name: str) -> dict[str, Any]:
    file = SimpleUploadedFile(name, f"The content of {name}.".encode())
    made: dict[str, Any] = client.post("/api/ingest/", {"file": file}).json()["document"]
    return made


def complete(document: dict[str, Any], **page: Any) -> None:
    """What a worker would have done: one page, and the flip."""
    run = Ingestion.objects.get(document_id=document["id"])
    Page.objects.create(ingestion=run, number=1, origin="text_layer", **{"text": "A page.", **page})
    Ingestion.objects.filter(id=run.id).update(status="completed", stage="done", finished_at=Now())
    Document.objects.filter(id=document["id"]).update(status=Status.COMPLETED, active_ingestion=run)


def run_it(document: dict[str, Any]) -> None:
    """The work on a queued document, as a worker does it."""
    ingestion.run(task_id=UUID(document["task_id"]))


def path(document: dict[str, Any], rest: str = "") -> str:
    return f"/api/documents/{document['id']}/{rest}"


def test_a_document_is_shown_with_all_that_the_contract_names(client: Client, document: dict[str, Any]) -> None:
    body = client.get(path(document)).json()
    names = {"id", "name", "file_id", "user_id", "media_type", "bytes", "sha256", "status", "stage", "progress"}
    names |= {"queue_position", "attempts", "retry_at", "waiting_for", "error", "warnings", "pages", "chunks"}
    names |= {"timings", "task_id", "pending", "created_at", "completed_at"}
    assert names <= body.keys()
    assert set(body["progress"]) == {
        "percent", "pages_done", "pages_total", "chunks_done", "chunks_total", "eta_s",
    }  # fmt: skip
    assert (body["status"], body["stage"], body["queue_position"]) == ("processing", "queued", 1)


def test_documents_are_listed_page_by_page_newest_first_each_once(client: Client) -> None:
    made = [take_in(client, f"{n}.txt")["id"] for n in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = client.get("/api/documents/", {"limit": "3", "cursor": cursor}).json()
        seen += [document["id"] for document in body["results"]]
        cursor = body["next"]
    assert seen == made[::-1]


def test_a_page_of_the_list_does_not_shift_when_something_new_comes(client: Client) -> None:
    made = [take_in(client, f"{n}.txt")["id"] for n in range(4)]
    first = client.get("/api/documents/", {"limit": 2}).json()
    take_in(client, "new.txt")
    second = client.get("/api/documents/", {"limit": 2, "cursor": first["next"]}).json()
    assert [d["id"] for d in second["results"]] == made[1::-1]


def test_documents_are_chosen_by_status_and_by_words_of_their_name(client: Client) -> None:
    annual, note = take_in(client, "Annual report.txt"), take_in(client, "note.txt")
    Document.objects.filter(id=note["id"]).update(status="failed")

    def ids(**query: str) -> list[str]:
        return [d["id"] for d in client.get("/api/documents/", query).json()["results"]]

    assert ids(status="failed") == [note["id"]]
    assert ids(q="annual REPORT") == [annual["id"]]
    assert ids(q="annual", status="failed") == []


@pytest.mark.parametrize("query", [{"status": "deleting"}, {"cursor": "garbage"}, {"limit": "0"}, {"limit": "999"}])
def test_a_wrong_query_is_answered_with_what_is_wrong(client: Client, query: dict[str, str]) -> None:
    answer = client.get("/api/documents/", query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert next(iter(query)) in answer.json()["detail"]


def test_a_document_is_renamed_and_its_new_name_is_cleaned(client: Client, document: dict[str, Any]) -> None:
    answer = client.patch(path(document), {"name": "..Réport\u202e.txt"}, JSON)
    assert answer.json()["name"] == "Réport.txt"
    assert client.get(path(document)).json()["name"] == "Réport.txt"


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "x", "status": "completed"}])
def test_a_wrong_patch_changes_nothing(client: Client, document: dict[str, Any], body: dict[str, str]) -> None:
    answer = client.patch(path(document), body, JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert client.get(path(document)).json()["name"] == "note.txt"


def test_only_a_failed_document_can_be_tried_again(client: Client, document: dict[str, Any]) -> None:
    refused = client.post(path(document, "retry/"))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_failed")
    Ingestion.objects.update(status="failed", error_code="corrupt_file", error_message="It is broken.")
    Document.objects.update(status="failed")
    assert client.get(path(document)).json()["error"] == {
        "code": "corrupt_file", "message": "It is broken.", "retryable": False,
    }  # fmt: skip
    again = client.post(path(document, "retry/"))
    assert again.status_code == 202
    assert again["Location"] == path(document)
    assert again.json()["async"] is True
    assert again.json()["document"]["status"] == "processing"
    assert again.json()["task_id"] != document["task_id"]


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("encrypted", False),
        ("no_text", False),
        ("unsupported_type", False),
        ("poison", True),
        ("parser_timeout", True),
        ("deadline_exceeded", True),
        ("service_unavailable", True),
        ("embedder_missing", True),
        ("duplicate_content", True),
    ],
)
def test_an_error_is_retryable_where_trying_again_can_help(
    client: Client, document: dict[str, Any], code: str, retryable: bool
) -> None:
    Ingestion.objects.update(status="failed", error_code=code, error_message="It failed.")
    Document.objects.update(status="failed")
    assert client.get(path(document)).json()["error"]["retryable"] is retryable
    assert client.post(path(document, "retry/")).status_code == 202


def test_a_deleted_document_is_404_at_once(client: Client, document: dict[str, Any]) -> None:
    assert client.delete(path(document)).status_code == 204
    assert client.get(path(document)).status_code == 404
    assert client.delete(path(document)).status_code == 404
    assert client.get("/api/documents/").json()["results"] == []
    assert client.get("/api/tasks/").json()["results"] == []


def test_a_page_is_shown_with_the_boxes_that_ocr_saw(client: Client, document: dict[str, Any]) -> None:
    assert client.get(path(document, "pages/1/")).status_code == 404
    complete(document, text="Two words", words=[[0, 3, [0.1, 0.2, 0.3, 0.4]], [4, 9, [0.5, 0.2, 0.7, 0.4]]])
    page = client.get(path(document, "pages/1/")).json()
    assert (page["number"], page["text"], page["origin"]) == (1, "Two words", "text_layer")
    assert page["boxes"][1] == {"start": 4, "end": 9, "left": 0.5, "top": 0.2, "right": 0.7, "bottom": 0.4}
    assert client.get(path(document, "pages/2/")).status_code == 404


@pytest.mark.parametrize(
    ("row", "status", "error"),
    [
        ({"status": "queued"}, "PENDING", None),
        ({"status": "running"}, "STARTED", None),
        ({"status": "queued", "attempts": 1, "error_code": "x", "error_message": "y"}, "RETRY", "x"),
        ({"status": "completed"}, "SUCCESS", None),
        ({"status": "failed", "error_code": "x", "error_message": "y"}, "FAILURE", "x"),
        ({"status": "superseded"}, "REVOKED", None),
    ],
)
def test_a_task_has_celerys_status(
    client: Client, document: dict[str, Any], row: dict[str, Any], status: str, error: str | None
) -> None:
    Ingestion.objects.update(**row)
    task = client.get(f"/api/tasks/{document['task_id']}/").json()
    assert (task["status"], task["error"] and task["error"]["code"]) == (status, error)
    assert task["args"] == [document["file_id"], document["user_id"], document["id"]]
    for other in ("PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"):
        listed = client.get("/api/tasks/", {"status": other}).json()["results"]
        assert [t["task_id"] for t in listed] == ([document["task_id"]] if other == status else [])


def test_a_key_is_shown_once_and_works_until_it_is_revoked(client: Client) -> None:
    made = client.post("/api/keys/", {"name": "laptop"}, JSON)
    assert made.status_code == 201
    raw, key_id = made.json()["key"], made.json()["id"]
    program = Client(headers={"Authorization": f"Bearer {raw}"})
    listed = program.get("/api/keys/").json()["results"]
    assert raw not in json.dumps(listed)
    assert {"test", "laptop"} == {key["name"] for key in listed}
    assert program.patch(f"/api/keys/{key_id}/", {"name": "desk"}, JSON).json()["name"] == "desk"
    assert program.delete(f"/api/keys/{key_id}/").status_code == 204
    refused = program.get("/api/documents/")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert refused["WWW-Authenticate"].startswith("Bearer")


def test_a_conversation_is_kept_renamed_and_deleted(client: Client, caller: Caller, document: dict[str, Any]) -> None:
    made = client.post("/api/conversations/", {"title": "Spices", "document_ids": [document["id"]]}, JSON)
    assert made.status_code == 201
    at = f"/api/conversations/{made.json()['id']}/"
    assert client.get(at).json()["document_ids"] == [document["id"]]
    assert client.patch(at, {"title": "Nutmeg"}, JSON).json()["title"] == "Nutmeg"
    assert [c["title"] for c in client.get("/api/conversations/").json()["results"]] == ["Nutmeg"]
    assert client.delete(at).status_code == 204
    assert client.get(at).status_code == 404


def test_the_words_of_a_deleted_document_are_gone_from_answers_too(
    client: Client, document: dict[str, Any], caller: Caller
) -> None:
    run_it(document)
    other_document = take_in(client, "other.txt")
    run_it(other_document)
    other = client.post(path(other_document, "ask/"), {"question": WORDS_OF_OTHER}, JSON).json()
    asked = client.post(path(document, "ask/"), {"question": WORDS_OF_NOTE}, JSON).json()
    assert asked["citations"][0]["quote"] == "The content of note.txt."
    assert client.delete(path(document)).status_code == 204
    exchange = client.get(f"/api/conversations/{asked['conversation_id']}/").json()["exchanges"][0]
    assert exchange["answer"] == GONE
    assert (exchange["citations"][0]["quote"], exchange["citations"][0]["verified"]) == ("", False)
    kept = Exchange.objects.filter(conversation=asked["conversation_id"]).values("answer", "citations")
    assert "content of note" not in str(list(kept))
    spared = client.get(f"/api/conversations/{other['conversation_id']}/").json()["exchanges"][0]
    assert (spared["answer"], spared["citations"]) == (other["answer"], other["citations"])


def test_an_answer_whose_document_is_deleted_while_it_streams_keeps_none_of_its_words(
    client: Client, document: dict[str, Any], caller: Caller
) -> None:
    run_it(document)
    stream = chat.ask(caller=caller, question=WORDS_OF_NOTE, document_ids=None)
    client.delete(path(document))
    for _ in stream:
        pass
    assert stream.result.answer.text == GONE
    assert "content of note" not in str(list(Exchange.objects.values("answer", "citations")))


def test_a_conversation_keeps_its_documents(client: Client, document: dict[str, Any]) -> None:
    other = take_in(client, "other.txt")
    run_it(document)
    run_it(other)
    first = client.post(path(document, "ask/"), {"question": WORDS_OF_NOTE}, JSON).json()
    going_on = {"question": WORDS_OF_NOTE, "conversation_id": first["conversation_id"]}
    assert client.post(path(document, "ask/"), going_on, JSON).status_code == 200
    assert client.post("/api/ask/", going_on, JSON).json()["citations"][0]["document_id"] == document["id"]
    for refused in (
        client.post(path(other, "ask/"), going_on, JSON),
        client.post("/api/ask/", going_on | {"document_ids": [document["id"], other["id"]]}, JSON),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "other_documents")


def test_a_conversation_about_all_documents_is_begun_without_naming_any(client: Client) -> None:
    made = client.post("/api/conversations/", {"title": "Everything"}, JSON).json()
    assert Conversation.objects.get(id=made["id"]).covers_all


def test_a_delete_stays_quick_however_many_answers_quote_the_document(
    client: Client, document: dict[str, Any], caller: Caller, django_assert_max_num_queries: Any
) -> None:
    run_it(document)
    client.post(path(document, "ask/"), {"question": WORDS_OF_NOTE}, JSON)
    model = Exchange.objects.get()
    copies = [
        Exchange(
            tenant=model.tenant,
            conversation=model.conversation,
            question="?",
            answer=model.answer,
            citations=model.citations,
            model=model.model,
        )
        for _ in range(500)
    ]
    for copy in Exchange.objects.bulk_create(copies):
        copy.cited.add(document["id"])
    with django_assert_max_num_queries(40):
        assert client.delete(path(document)).status_code == 204
    assert set(Exchange.objects.values_list("answer", flat=True)) == {GONE}


def test_a_session_needs_its_csrf_token_to_change_anything(caller: Caller, document: dict[str, Any]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(caller.user)
    assert browser.get(path(document)).status_code == 200
    refused = browser.delete(path(document))
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    browser.cookies["csrftoken"] = "a" * 32
    allowed = browser.delete(path(document), headers={"X-CSRFToken": "a" * 32})
    assert allowed.status_code == 204


def test_a_wrong_key_is_not_made_good_by_a_session(caller: Caller) -> None:
    browser = Client(headers={"Authorization": "Bearer qk_wrong"})
    browser.force_login(caller.user)
    assert browser.get("/api/documents/").status_code == 401


def test_the_queue_position_counts_what_waits_before(client: Client) -> None:
    first, second = take_in(client, "1.txt"), take_in(client, "2.txt")
    Ingestion.objects.filter(document_id=first["id"]).update(created_at=in_s(-timedelta(minutes=1).total_seconds()))
    assert client.get(path(second)).json()["queue_position"] == 2
