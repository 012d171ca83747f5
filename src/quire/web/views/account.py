"""One's own account: the password, and the sessions one has elsewhere; and the page that greets who is here first."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from quire.tenants import members
from quire.tenants import sign_in_throttle as throttle
from quire.tenants.identities import identities_of
from quire.tenants.services import Caller
from quire.web.callers import caller_required
from quire.web.passwords import password_form


@require_http_methods(["GET", "HEAD", "POST"])
@caller_required
def account(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Choose another password; every other session of this person then ends."""
    return _choose_password(request, caller, template="web/account.html", then="account")


@require_http_methods(["GET", "HEAD", "POST"])
@caller_required
def welcome(request: HttpRequest, caller: Caller) -> HttpResponse:
    """For who came by their first link: a password for the next time, or none, and what to do first."""
    if caller.user.has_usable_password():
        return redirect("library")
    return _choose_password(request, caller, template="web/welcome.html", then="library")


@require_POST
@caller_required
def end_other_sessions(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Sign this person out everywhere but here."""
    members.end_sessions(caller.user)
    update_session_auth_hash(request, caller.user)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("account")


def _choose_password(request: HttpRequest, caller: Caller, *, template: str, then: str) -> HttpResponse:
    who = {"name": caller.user.get_username(), "address": request.META.get("REMOTE_ADDR", "")}
    form = password_form(caller.user, request.POST or None)
    if request.method == "POST" and throttle.is_shut(**who):
        # A stolen session must not be a door to guess the password at.
        return render(request, template, {"form": password_form(caller.user), "is_shut": True}, status=429)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, _("Your password is set. Other sessions of yours have ended."))
        return redirect(then)
    if "old_password" in form.errors:
        throttle.note_failure(**who)
    return render(request, template, {"form": form, "identities": identities_of(caller.user)})
