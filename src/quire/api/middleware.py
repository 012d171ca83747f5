"""Makes problem documents of the errors below /api/ that arise outside views: routing, methods, CSRF, bad bodies."""

from __future__ import annotations

import os
from collections.abc import Callable
from http import HTTPStatus

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from quire.api import problems

PREFIX = "/api/"
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not know this method.",
    500: "Something went wrong on our side. Try again later.",
}


class ProblemMiddleware:
    """Stands outside of all that answers, so that it sees what Django itself says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PREFIX):
            return self._get_response(request)
        if not request.path.endswith("/"):  # rather than a redirect, at which a client would drop its body
            return problems.response("not_found", "Every address of this API ends in a slash.")
        if request.method == "HEAD":
            request.method = "GET"  # what ninja has no route for
            return _without_body(self._answer(request))
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        _note_length(request)
        response = self._get_response(request)
        if response.status_code >= 400 and response.get("Content-Type") != problems.CONTENT_TYPE:
            return _as_problem(response)
        response.headers.setdefault("Cache-Control", "no-store")  # what is one tenant's is kept by no proxy
        return response


def _without_body(response: HttpResponseBase) -> HttpResponse:
    """The headers alone: a stream of events would never end, and a file need not be read."""
    head = HttpResponse(status=response.status_code, headers=dict(response.items()))
    if isinstance(response, HttpResponse):
        head.headers.setdefault("Content-Length", str(len(response.content)))
    # Closed with this answer; Django has no public way.
    head._resource_closers += response._resource_closers  # type: ignore[attr-defined]
    return head


def _note_length(request: HttpRequest) -> None:
    """Django takes a form sent in chunks, which states no length, for an empty one; here the body is whole."""
    if isinstance(request, ASGIRequest) and "CONTENT_LENGTH" not in request.META:
        body = request._stream
        request.META["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
        body.seek(0)


def _as_problem(response: HttpResponseBase) -> HttpResponse:
    status = response.status_code
    detail = _DETAILS.get(status, f"{HTTPStatus(status).phrase}.")
    problem = problems.response(problems.of_status(status), detail)
    if "Allow" in response:
        problem["Allow"] = response["Allow"]
    return problem
