"""The switch between the tenants of one person."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from quire.tenants.models import User
from quire.tenants.services import switch_tenant


@require_POST
@login_required
def switch(request: HttpRequest) -> HttpResponse:
    """Go to another tenant's library, for as long as this session lasts."""
    user = request.user
    try:
        wanted = UUID(request.POST.get("tenant_id", ""))
    except ValueError:
        raise Http404("There is no such tenant.") from None
    if not isinstance(user, User) or not switch_tenant(user, request.session, tenant_id=wanted):
        raise Http404("There is no such tenant.")
    return redirect("library")
