"""Every error is a problem document with a code of the table."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from quire.api import problems

JSON = "application/json"


def check(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    assert answer["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= body.keys()
    assert (body["status"], body["code"]) == (status, code)
    return body


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/nothing/", 404, "not_found"),
        ("get", "/api/documents", 404, "not_found"),
        ("post", "/api/ingest", 404, "not_found"),
        ("get", "/api/documents/not-an-id/", 404, "not_found"),
        ("get", "/api/documents/00000000-0000-4000-8000-000000000000/", 404, "not_found"),
        ("get", "/api/tasks/00000000-0000-4000-8000-000000000000/", 404, "not_found"),
        ("delete", "/api/keys/00000000-0000-4000-8000-000000000000/", 404, "not_found"),
        ("put", "/api/documents/", 405, "method_not_allowed"),
        ("get", "/api/ingest/", 405, "method_not_allowed"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(client: Client, method: str, path: str, status: int, code: str) -> None:
    check(getattr(client, method)(path), status, code)


def test_a_method_that_is_not_known_is_told_which_are(client: Client) -> None:
    assert "GET" in client.put("/api/documents/")["Allow"]


def test_json_that_is_none_is_a_problem(client: Client) -> None:
    check(client.post("/api/search/", b"{not json", JSON), 400, "malformed_request")


def test_a_wrong_field_is_named(client: Client) -> None:
    body = check(client.post("/api/search/", {"query": "x", "limit": 1000}, JSON), 422, "invalid_request")
    assert body["errors"][0]["field"] == "limit"
    assert body["errors"][0]["message"]


@pytest.mark.parametrize("question", ["", "  ", "x" * 5000])
def test_a_question_without_words_or_with_too_many_is_refused(client: Client, question: str) -> None:
    answer = client.post("/api/ask/", {"question": question}, JSON)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"question_empty", "question_too_long"}


@pytest.mark.parametrize("text", ["\\ud800 pepper", "pepper \\udfff", "pep\\u0000per"])
@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("post", "/api/ask/", "question"),
        ("post", "/api/search/", "query"),
        ("post", "/api/keys/", "name"),
        ("post", "/api/conversations/", "title"),
        ("post", "/api/documents/00000000-0000-4000-8000-000000000000/ask/", "question"),
        ("patch", "/api/documents/00000000-0000-4000-8000-000000000000/", "name"),
    ],
)
def test_half_characters_and_nul_are_no_text(client: Client, method: str, path: str, field: str, text: str) -> None:
    body = check(getattr(client, method)(path, f'{{"{field}": "{text}"}}', JSON), 422, "invalid_request")
    assert body["errors"][0]["field"] == field


def test_nul_in_a_query_is_no_text(client: Client) -> None:
    check(client.get("/api/documents/?q=%00"), 422, "invalid_request")


@pytest.mark.parametrize("path", ["/api/search/", "/api/ask/", "/api/conversations/"])
def test_no_documents_are_not_all_documents(client: Client, path: str) -> None:
    words = {"/api/search/": {"query": "x"}, "/api/ask/": {"question": "x"}}.get(path, {})
    body = check(client.post(path, words | {"document_ids": []}, JSON), 422, "invalid_request")
    assert body["errors"][0]["field"] == "document_ids"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer qk_wrong"}, {"Authorization": "Basic YTpi"}])
def test_nobody_gets_a_401_that_says_how_to_sign_in(db: None, headers: dict[str, str]) -> None:
    answer = Client(headers=headers).get("/api/documents/")
    check(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_another_scheme_is_told_that_a_bearer_is_asked_for(db: None) -> None:
    detail = Client(headers={"Authorization": "Basic YTpi"}).get("/api/documents/").json()["detail"]
    assert "Bearer qk_" in detail
    assert "mistyped" not in detail


@pytest.mark.parametrize("path", ["/api/documents/", "/api/events/", "/api/schema/", "/api/docs/", "/api/nothing/"])
def test_head_is_answered_as_get_is_without_a_body(client: Client, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head["Content-Type"]) == (get.status_code, get["Content-Type"])
    assert head.content == b""
    get.close()


def test_head_of_what_only_takes_a_post_is_405(client: Client) -> None:
    answer = client.head("/api/ingest/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_bug_is_our_fault_with_an_id_and_without_its_insides(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    broken = settings.QUIRE_BACKENDS | {"embedder": ("builtins.dict", {"tokenizer": None})}
    settings.QUIRE_BACKENDS = broken
    body = check(client.post("/api/search/", {"query": "secret words"}, JSON), 500, "internal_error")
    assert body["error_id"] in body["detail"]
    assert "dict" not in body["detail"]


def test_each_code_has_a_status_and_a_sentence() -> None:
    for code, (status, meaning) in problems.CODES.items():
        assert 400 <= status < 600, code
        assert meaning, code
        assert problems.document(code, "…")["status"] == status


def test_a_problems_type_leads_to_its_description(db: None) -> None:
    page = Client().get("/api/docs/").content.decode()
    for code in problems.CODES:
        assert f'id="{code}"' in page
