"""Every error that HTTP can answer with, as RFC 9457 problem documents; `CODES` is the whole list."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"

CODES: dict[str, tuple[int, str]] = {
    "invalid_request": (422, "A value in the request is missing or wrong; `errors` names each"),
    "malformed_request": (400, "The request cannot be read"),
    "file_missing": (400, "The upload carries no file in its field `file`"),
    "file_empty": (400, "The file has no content"),
    "question_empty": (400, "The question has no words"),
    "question_too_long": (400, "The question is too long"),
    "not_authenticated": (401, "No valid key and no session came with the request"),
    "csrf_failed": (403, "A request by session must carry its CSRF token in `X-CSRFToken`"),
    "forbidden": (403, "This is not allowed"),
    "not_found": (404, "It does not exist, or belongs to somebody else"),
    "no_picture": (404, "Pages of this kind of file have no pictures"),
    "method_not_allowed": (405, "This path does not know this method; `Allow` names those it knows"),
    "request_timeout": (408, "The body stopped coming, or took too long"),
    "not_failed": (409, "Only a document that failed can be tried again"),
    "duplicate_content": (409, "Another document of the tenant has the same content"),
    "being_replaced": (409, "The document that has this content is being given another"),
    "not_completed": (409, "Only a completed document can be used so"),
    "not_ready": (409, "The document has no content yet that could answer"),
    "other_documents": (409, "The conversation is about other documents than those named"),
    "reindex_needed": (409, "The document was indexed by another model and must be indexed again"),
    "idempotency_in_progress": (409, "The first request with this Idempotency-Key still runs"),
    "file_too_large": (413, "The file is larger than this service takes"),
    "body_too_large": (413, "The request is larger than this path takes"),
    "unsupported_type": (415, "A file of this kind cannot be read"),
    "encrypted": (415, "The file needs a password"),
    "idempotency_key_reused": (422, "This Idempotency-Key came with another request before"),
    "page_not_drawn": (422, "The page is damaged, or takes too much to be drawn"),
    "parser_busy": (503, "Too many pages are being drawn at present"),
    "quota_exceeded": (429, "The tenant has used up what it may"),
    "rate_limited": (503, "A provider asks us to wait; `Retry-After` says how long"),
    "internal_error": (500, "Our fault; the log knows more under `error_id`"),
    "storage_unavailable": (503, "Files cannot be stored at present; nothing was kept"),
    "database_unavailable": (503, "The database does not answer at present; nothing was kept"),
    "conflict": (503, "The same content was uploaded and deleted at the same moment; try again"),
    "service_unavailable": (503, "A service behind this one does not answer at present"),
    "overloaded": (503, "More work is waiting than can be done in good time"),
}
"""Code → HTTP status and what it means. The reference page of errors is held to this table."""

_BY_STATUS = {
    400: "malformed_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    422: "invalid_request",
    429: "quota_exceeded",
    503: "service_unavailable",
}
RETRY_AFTER_S = 5


def document(code: str, detail: str, *, status: int | None = None, **more: Any) -> dict[str, Any]:
    """The members of a problem document; `more` are extension members."""
    status = status or CODES[code][0]
    return {
        "type": f"/api/docs/#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }


def headers(status: int, *, retry_after_s: float | None = None) -> dict[str, str]:
    """What HTTP asks to be said with this status; no cache keeps it, and no browser takes it for anything else."""
    always = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status == HTTPStatus.UNAUTHORIZED:
        return always | {"WWW-Authenticate": 'Bearer realm="quire"'}
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        return always | {"Retry-After": str(max(1, round(retry_after_s or RETRY_AFTER_S)))}
    return always


def response(
    code: str, detail: str, *, status: int | None = None, retry_after_s: float | None = None, **more: Any
) -> HttpResponse:
    """A problem as Django's answer. `status` is only given for a code that the table does not know."""
    body = document(code, detail, status=status, **more)
    return HttpResponse(
        json.dumps(body),
        status=body["status"],
        content_type=CONTENT_TYPE,
        headers=headers(body["status"], retry_after_s=retry_after_s),
    )


def of_status(status: int) -> str:
    """The code for a status that came from Django or a library."""
    return _BY_STATUS.get(status, "internal_error" if status >= 500 else "malformed_request")
