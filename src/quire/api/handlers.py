"""Turns what a view raises into a problem document."""

from __future__ import annotations

import errno
import logging
import uuid
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from quire.api import problems
from quire.core.errors import PermanentError, QuireError, RateLimited, TransientError
from quire.documents.services import RefusedError

log = logging.getLogger(__name__)


def register(api: NinjaAPI) -> None:
    """Have `api` answer every error as a problem."""
    handlers: dict[type[Exception], Any] = {
        Exception: _bug,
        Http404: _missing,
        HttpError: _http_error,
        AuthenticationError: _anonymous,
        ValidationError: _invalid,
        QuireError: _refusal,
        MultiPartParserError: _malformed,
        SuspiciousOperation: _malformed,
        UnreadablePostError: _malformed,
        RequestDataTooBig: _too_big,
        OSError: _os_error,
        OperationalError: _no_database,
        InterfaceError: _no_database,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def problem_of(error: QuireError) -> HttpResponse:
    """The answer to one of our own errors."""
    if isinstance(error, RateLimited):
        return problems.response("rate_limited", error.message, retry_after_s=error.retry_after_s)
    retry_after_s = getattr(error, "retry_after_s", None)
    known = error.code in problems.CODES
    return problems.response(
        error.code, error.message, status=None if known else _status(error), retry_after_s=retry_after_s
    )


def bug(error: Exception, *, where: str) -> HttpResponse:
    """The answer to what nobody foresaw: an id for the person, the whole story for the log."""
    error_id = uuid.uuid4().hex[:8]
    log.error("%s met a bug, error id %s", where, error_id, exc_info=error)
    detail = f"Something went wrong on our side (error {error_id}). Try again later, or tell us this number."
    return problems.response("internal_error", detail, error_id=error_id)


def _status(error: QuireError) -> int:
    if isinstance(error, RefusedError):
        return error.status
    # A backend that cannot work as it is set up is an operator's matter: its sentence says what to do.
    return 503 if isinstance(error, TransientError | PermanentError) else 500


def _refusal(request: HttpRequest, error: QuireError) -> HttpResponse:
    return problem_of(error)


def _bug(request: HttpRequest, error: Exception) -> HttpResponse:
    return bug(error, where=f"{request.method} {request.path}")


def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problems.response("not_found", "There is nothing at this address.")


def _anonymous(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    detail = "Send an API key as `Authorization: Bearer qk_…`, or sign in."
    if scheme.lower() == "bearer":
        detail = "This API key is not valid: it may be mistyped or revoked."
    elif scheme:
        detail = "Send the API key as `Authorization: Bearer qk_…`: no other scheme is known here."
    return problems.response("not_authenticated", detail)


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 403 and "CSRF" in error.message:
        return problems.response("csrf_failed", "Send the CSRF token of your session in the header X-CSRFToken.")
    return problems.response(problems.of_status(error.status_code), error.message)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"field": _field(e["loc"]), "message": _sentence(e["msg"])} for e in error.errors]
    detail = " ".join(f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in errors)
    return problems.response("invalid_request", detail, errors=errors)


def _field(location: tuple[str | int, ...]) -> str:
    """Where in the body or query, without the name that a view has for the whole."""
    places = [str(place) for place in location]
    return ".".join(places[2:] if places[0] in {"body", "form", "file"} and len(places) > 2 else places[1:])


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _malformed(request: HttpRequest, error: Exception) -> HttpResponse:
    return problems.response("malformed_request", f"The request cannot be read: {error}")


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problems.response("body_too_large", "The fields of this form are too large.")


def _os_error(request: HttpRequest, error: OSError) -> HttpResponse:
    """A temporary folder that takes no more is the machine's state, not a bug."""
    if error.errno not in _NO_ROOM:
        return _bug(request, error)
    log.error("%s %s: %s", request.method, request.path, error)
    return problems.response("storage_unavailable", "Files cannot be stored at present. Try again soon.")


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENFILE}


def _no_database(request: HttpRequest, error: OperationalError | InterfaceError) -> HttpResponse:
    log.error("%s %s: the database: %s", request.method, request.path, error)
    return problems.response("database_unavailable", "The database does not answer at present. Try again soon.")
