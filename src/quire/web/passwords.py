"""The forms in which a person chooses a password: Django's, in our words."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.utils.translation import gettext_lazy

from quire.tenants.models import User

PASSWORD_HINT = gettext_lazy("Ten characters or more, and none of those that everybody takes.")


class NewPassword(SetPasswordForm):  # type: ignore[type-arg]  # generic in the stubs only
    """For who has none yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self)


class OtherPassword(PasswordChangeForm):
    """For who knows the old one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus")  # who comes to the page may be there for the rest
        _word(self)


def password_form(user: User, data: Any = None) -> NewPassword | OtherPassword:
    """The form that fits the person; bound when there is data."""
    kind = OtherPassword if user.has_usable_password() else NewPassword
    return kind(user, data)


def _word(form: NewPassword | OtherPassword) -> None:
    form.fields["new_password1"].help_text = PASSWORD_HINT
    form.fields["new_password2"].help_text = ""
    form.fields["new_password2"].label = gettext_lazy("The same password again")
