"""Makes a page of a database that is away: 503, as the API answers then, and not a fault of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5


class UnavailableMiddleware:
    """Answers for every view that makes no problem document of such an error by itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, InterfaceError | OperationalError):
            return None
        log.error("%s %s: the database: %s", request.method, request.path, error)
        # Without the request: who is asking could be found out from the database alone.
        page = render_to_string("503.html")
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"})
