"""Links that sign a person in, for who has the machine but no password."""

from __future__ import annotations

from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from quire.core.errors import PermanentError
from quire.tenants.models import User
from quire.tenants.services import sign_in_tokens


def path(user: User) -> str:
    """The path of a page that signs `user` in: once, within three days, and not after a new password."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("sign_in_by_link", args=[uid, sign_in_tokens.make_token(user)])


def user_named(username: str) -> User:
    """Raises `PermanentError("not_found")`."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise PermanentError(f"There is no active user {username}.", code="not_found")
    return user
