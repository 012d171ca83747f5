"""Signing in by a provider of single sign-on: there by a link, back to an address that the provider knows."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from quire.api.origin import origin
from quire.tenants import identities, members, oidc
from quire.tenants.models import User
from quire.tenants.oidc import Person, SingleSignOnError
from quire.web.views.sign_in import BACKEND

NEXT = "oidc_next"


@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponseBase:
    """Go to the provider. By GET, since the policy of our pages lets no form lead elsewhere; it changes nothing."""
    if not oidc.is_used():
        raise Http404("There is no single sign-on.")
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    request.session[NEXT] = wanted if is_ours and wanted.startswith("/") else reverse("library")
    try:
        return oidc.begin(request, redirect_uri=origin(request) + reverse("oidc_callback"))
    except SingleSignOnError:
        return _failed(request, "unreachable", status=502)


@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Come back from the provider: sign in, or connect the account there with the person signed in here."""
    if not oidc.is_used():
        raise Http404("There is no single sign-on.")
    then = request.session.pop(NEXT, reverse("library"))
    try:
        person = oidc.finish(request)
    except SingleSignOnError:
        return _failed(request, "unreachable", status=400)
    if isinstance(request.user, User):
        return _connect(request, request.user, person)
    user = identities.user_of(person, is_invited=_is_invitation(then))
    if user is None:
        return _failed(request, "unknown", status=403)
    login(request, user, backend=BACKEND)
    return redirect(then)


def _connect(request: HttpRequest, user: User, person: Person) -> HttpResponse:
    if identities.connect(person, user=user):
        messages.success(request, _("From now on you can sign in that way too."))
    else:
        messages.error(request, _("That account is connected with another person here."))
    return redirect("account")


def _is_invitation(path: str) -> bool:
    """Whether they were on their way to an invitation that is open: it vouches for who is new."""
    try:
        found = resolve(path)
    except Http404:
        return False
    return found.url_name == "join" and members.invitation_of(found.kwargs["token"]) is not None


def _failed(request: HttpRequest, why: str, *, status: int) -> HttpResponse:
    return render(request, "web/oidc_failed.html", {"why": why}, status=status)
