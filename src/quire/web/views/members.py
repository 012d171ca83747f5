"""The people of a tenant: who is in it and as what, and the links that let somebody in."""

from __future__ import annotations

from functools import wraps
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from quire.api.origin import origin
from quire.documents.services import NotFoundError
from quire.tenants import members
from quire.tenants.members import LastOwnerError, Role
from quire.tenants.services import Caller
from quire.web.callers import P, PageView, caller_required

ROLES = [(Role.MEMBER, gettext_lazy("Member")), (Role.OWNER, gettext_lazy("Owner"))]


class RoleForm(forms.Form):
    """As what somebody is, or will be, in the tenant."""

    role = forms.ChoiceField(choices=ROLES, label=gettext_lazy("As"))


def _owner_required(view: PageView[P]) -> PageView[P]:
    """Let owners only at the view."""

    @wraps(view)
    def wrapped(request: HttpRequest, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not members.is_owner(caller):
            raise PermissionDenied
        return view(request, caller, *args, **kwargs)

    return wrapped


@require_http_methods(["GET", "HEAD", "POST"])
@caller_required
def people(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Who is in the tenant; after POST with the new invitation's link, which no later page can show."""
    is_owner = members.is_owner(caller)
    form = RoleForm(request.POST or None)
    link = ""
    if request.method == "POST":
        if not is_owner:
            raise PermissionDenied
        if form.is_valid():
            _invitation, raw = members.invite(caller, role=form.cleaned_data["role"])
            link = origin(request) + reverse("join", args=[raw])
    context = {
        "form": form,
        "link": link,
        "is_owner": is_owner,
        "last_owner_id": members.last_owner_id(caller.tenant),
        "tenant": caller.tenant,
        "members": members.members_of(caller.tenant),
        "invitations": members.invitations_of(caller.tenant) if is_owner else [],
        "days": members.INVITATION_VALID.days,
    }
    return render(request, "web/members.html", context)


@require_POST
@caller_required
@_owner_required
def change_role(request: HttpRequest, caller: Caller, user_id: UUID) -> HttpResponse:
    """Make somebody an owner or a member."""
    form = RoleForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else ""
    try:
        if not role or not members.change_role(tenant=caller.tenant, user_id=user_id, role=role):
            raise NotFoundError("member")
    except LastOwnerError:
        _tell_of_last_owner(request)
    return redirect("members")


@require_POST
@caller_required
def remove(request: HttpRequest, caller: Caller, user_id: UUID) -> HttpResponse:
    """Take somebody out of the tenant, or leave it oneself."""
    is_leaving = user_id == caller.user.id
    if not is_leaving and not members.is_owner(caller):
        raise PermissionDenied
    try:
        if not members.remove(tenant=caller.tenant, user_id=user_id):
            raise NotFoundError("member")
    except LastOwnerError:
        _tell_of_last_owner(request)
        return redirect("members")
    return redirect("library" if is_leaving else "members")


@require_POST
@caller_required
@_owner_required
def withdraw(request: HttpRequest, caller: Caller, invitation_id: UUID) -> HttpResponse:
    """End an invitation at once."""
    if not members.withdraw(tenant=caller.tenant, invitation_id=invitation_id):
        raise NotFoundError("invitation")
    return redirect("members")


def _tell_of_last_owner(request: HttpRequest) -> None:
    messages.error(request, _("A library needs an owner. Make somebody else an owner first."))
