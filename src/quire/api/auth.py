"""Who is asking: an API key, or a session with its CSRF token. A view gets the caller by `caller_of`."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from quire.tenants import quotas
from quire.tenants.models import User
from quire.tenants.services import Caller, caller_of_key, caller_of_session


class ApiKeyAuth(HttpBearer):
    """`Authorization: Bearer qk_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        return _counted(caller_of_key(token))


class SessionAuth(APIKeyCookie):
    """A signed-in browser. A request that brings a key is judged by the key alone."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Caller | None:
        if "Authorization" in request.headers or self.param_name not in request.COOKIES:
            return None
        caller: Caller | None = super().__call__(request)
        return caller

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        user = request.user
        return _counted(caller_of_session(user, request.session)) if isinstance(user, User) else None


def _counted(caller: Caller | None) -> Caller | None:
    """Count the request against its tenant. Raises `QuotaExceeded`."""
    if caller:
        quotas.count_request(caller.tenant)
    return caller


def caller_of(request: HttpRequest) -> Caller:
    """Who sent a request that has passed authentication."""
    caller = getattr(request, "auth", None)
    if not isinstance(caller, Caller):
        raise TypeError("a view that needs a caller was routed without authentication")
    return caller


AUTH = [ApiKeyAuth(), SessionAuth()]
