"""Tells each page's view who is asking, or sends the browser where that can be told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django_htmx.http import HttpResponseClientRedirect

from quire.documents.services import NotFoundError
from quire.tenants.models import User
from quire.tenants.services import Caller, caller_of_session

P = ParamSpec("P")
PageView = Callable[Concatenate[HttpRequest, Caller, P], HttpResponseBase]


def caller_required(view: PageView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Call `view(request, caller, …)` for a person who is signed in and in a tenant; what is not theirs is 404."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return _to_sign_in(request)
        caller = caller_of_session(user, request.session)
        if caller is None:
            return render(request, "web/no_tenant.html", status=403)
        try:
            response = view(request, caller, *args, **kwargs)
        except NotFoundError as error:
            raise Http404(error.message) from None
        # What is one person's must not be kept by a proxy, nor shown by "back" after they signed out.
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    return wrapped


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):  # a fragment's place cannot hold a page
        return HttpResponseClientRedirect(resolve_url(settings.LOGIN_URL))
    return redirect_to_login(request.get_full_path())
