"""The page behind an invitation's link: who is new chooses name and password, who is signed in comes as they are."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from quire.tenants import members
from quire.tenants.models import User
from quire.tenants.services import Caller, switch_tenant
from quire.web.passwords import PASSWORD_HINT
from quire.web.views.sign_in import BACKEND


class NewPersonForm(UserCreationForm):  # type: ignore[type-arg]  # generic in the stubs only
    """The name and password of somebody who is not here yet."""

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": gettext_lazy("User name")}
        help_texts = {"username": ""}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = PASSWORD_HINT
        self.fields["password2"].help_text = ""
        self.fields["password2"].label = gettext_lazy("The same password again")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show into what the link leads, and let in when the button is pressed: programs that look into links change
    nothing."""
    invitation = members.invitation_of(token)
    if invitation is None:
        return render(request, "web/join.html", {"invitation": None}, status=410)
    person = request.user if isinstance(request.user, User) else None
    form = None if person else NewPersonForm(request.POST or None)
    if request.method == "POST" and (form is None or form.is_valid()):
        caller = _let_in(token, person, form)
        if caller is None:  # somebody else was quicker
            return render(request, "web/join.html", {"invitation": None}, status=410)
        if person is None:
            login(request, caller.user, backend=BACKEND)
        switch_tenant(caller.user, request.session, tenant_id=caller.tenant.id)
        return redirect("library")
    return render(request, "web/join.html", {"invitation": invitation, "person": person, "form": form})


def _let_in(token: str, person: User | None, form: NewPersonForm | None) -> Caller | None:
    if person or form is None:
        return members.accept(token, user=person) if person else None
    data = form.cleaned_data
    return members.accept_as_new(token, username=data["username"], password=data["password1"])
