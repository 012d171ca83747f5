"""Signing in: by password, or by a link that works once."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlsafe_base64_decode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from quire.tenants.models import User
from quire.tenants.services import sign_in_tokens

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInView(LoginView):
    """By name and password."""

    template_name = "web/sign_in.html"
    redirect_authenticated_user = True


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Show a button, and sign in when it is pressed: programs that look into links must not use them up."""
    if request.method != "POST":
        user = _owner(uidb64, token)
        return render(request, "web/sign_in_by_link.html", {"person": user}, status=200 if user else 410)
    # One transaction over look and use: of two presses at once, one signs in.
    with transaction.atomic():
        user = _owner(uidb64, token, lock=True)
        if user is None:
            return render(request, "web/sign_in_by_link.html", {"person": None}, status=410)
        login(request, user, backend=BACKEND)
    return redirect("library")


def _owner(uidb64: str, token: str, *, lock: bool = False) -> User | None:
    """Whose unused link this is."""
    try:
        user_id = urlsafe_base64_decode(uidb64).decode()
        users = User.objects.select_for_update() if lock else User.objects.all()
        user = users.filter(pk=user_id, is_active=True).first()
    except (ValueError, ValidationError):  # not a UUID
        return None
    return user if user and sign_in_tokens.check_token(user, token) else None
