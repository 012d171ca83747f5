"""The OpenAPI document says what the routes do, and the reference page shows it without help from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from quire.api.urls import api

CONTRACT = [
    "POST /api/ingest/",
    "GET /api/documents/",
    "GET /api/documents/{document_id}/",
    "PATCH /api/documents/{document_id}/",
    "DELETE /api/documents/{document_id}/",
    "POST /api/documents/{document_id}/retry/",
    "GET /api/documents/{document_id}/file/",
    "GET /api/documents/{document_id}/pages/{number}/",
    "GET /api/documents/{document_id}/events/",
    "GET /api/events/",
    "POST /api/documents/{document_id}/ask/",
    "POST /api/ask/",
    "POST /api/search/",
    "GET /api/conversations/",
    "POST /api/conversations/",
    "GET /api/conversations/{conversation_id}/",
    "PATCH /api/conversations/{conversation_id}/",
    "DELETE /api/conversations/{conversation_id}/",
    "GET /api/keys/",
    "POST /api/keys/",
    "PATCH /api/keys/{key_id}/",
    "DELETE /api/keys/{key_id}/",
    "GET /api/tasks/",
    "GET /api/tasks/{task_id}/",
]
"""The promised operations (DESIGN, section 3)."""


def routes(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Every path that the site answers, with names in braces."""
    for pattern in resolver.url_patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield path
        else:
            yield from routes(pattern, path)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_promised_operation_is_in_the_document(db: None) -> None:
    paths = Client().get("/api/schema/").json()["paths"]
    told = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(CONTRACT) <= told


def test_every_route_below_api_is_in_the_document() -> None:
    known = set(api.get_openapi_schema()["paths"]) | {"/api/", "/api/schema/", "/api/docs/"}
    assert {path for path in routes(get_resolver()) if path.startswith("/api/")} == known


def test_every_route_of_the_api_ends_in_a_slash() -> None:
    assert [path for path in routes(get_resolver()) if path.startswith("/api/") and not path.endswith("/")] == []


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = api.get_openapi_schema()
    for reference in references(document):
        assert reference.rpartition("/")[2] in document["components"]["schemas"]


def test_every_operation_has_its_own_id_a_summary_and_tells_of_errors() -> None:
    operations = [o for methods in api.get_openapi_schema()["paths"].values() for o in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_the_reference_page_names_every_operation_and_fetches_nothing_from_elsewhere(db: None) -> None:
    answer = Client().get("/api/docs/")
    page = answer.content.decode()
    for path in api.get_openapi_schema()["paths"]:
        assert path in page
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "<script" not in page
    assert "style=" not in page
    assert "default-src 'none'" in answer["Content-Security-Policy"]
