"""Signing in: by password, or by a link that works once."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlsafe_base64_decode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from quire.tenants import sign_in_throttle as throttle
from quire.tenants.models import User
from quire.tenants.services import sign_in_tokens

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInView(LoginView):
    """By name and password."""

    template_name = "web/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """429 to who has failed too often: the password is then not looked at."""
        if throttle.is_shut(**self._who()):
            context = self.get_context_data(form=self.get_form_class()(request), is_shut=True)
            return self.render_to_response(context, status=429, headers={"Retry-After": str(throttle.WINDOW_S)})
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        throttle.note_failure(**self._who())
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        throttle.forget(**self._who())
        return super().form_valid(form)

    def _who(self) -> dict[str, str]:
        name = self.request.POST.get("username", "")
        return {"name": name, "address": self.request.META.get("REMOTE_ADDR", "")}


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
        is_first = user.last_login is None and not user.has_usable_password()
        login(request, user, backend=BACKEND)
    return redirect("welcome" if is_first else "library")


def _owner(uidb64: str, token: str, *, lock: bool = False) -> User | None:
    """Whose unused link this is."""
    try:
        user_id = urlsafe_base64_decode(uidb64).decode()
        users = User.objects.select_for_update() if lock else User.objects.all()
        user = users.filter(pk=user_id, is_active=True).first()
    except (ValueError, ValidationError):  # not a UUID
        return None
    return user if user and sign_in_tokens.check_token(user, token) else None
