"""The API keys that a person may see: made (and shown once), listed, revoked."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from quire.api.origin import origin
from quire.documents.services import NotFoundError
from quire.tenants import services
from quire.tenants.services import Caller
from quire.web.callers import caller_required


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(max_length=100, label=gettext_lazy("What is it for?"))


@require_http_methods(["GET", "HEAD", "POST"])
@caller_required
def keys(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The living keys that the person may see; after POST with the new one, which no later page can show."""
    form = KeyForm(request.POST or None)
    raw = ""
    if request.method == "POST" and form.is_valid():
        _, raw = services.create_key(tenant=caller.tenant, user=caller.user, name=form.cleaned_data["name"])
        form = KeyForm()
    context = {
        "form": form,
        "raw": raw,
        "keys": services.keys_of(caller).order_by("-created_at"),
        "origin": origin(request),
    }
    return render(request, "web/keys.html", context)


@require_POST
@caller_required
def revoke(request: HttpRequest, caller: Caller, key_id: UUID) -> HttpResponse:
    """End a key at once."""
    if not services.keys_of(caller).filter(id=key_id) or not services.revoke_key(tenant=caller.tenant, key_id=key_id):
        raise NotFoundError("key")
    return redirect("keys")
