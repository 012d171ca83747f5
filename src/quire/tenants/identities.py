"""Which of our people somebody is whom a provider of single sign-on vouches for, and what becomes of newcomers."""

from __future__ import annotations

import re

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from quire.tenants.models import Identity, Membership, Tenant, User
from quire.tenants.oidc import Person

MAX_NAME = 140
"""Of 150 that a user name may have: a number may follow."""


def user_of(person: Person, *, is_invited: bool = False) -> User | None:
    """Who has signed in; None when they are nobody here and the settings let nobody new in.

    Known by issuer and subject; else by a verified e-mail address that exactly one of our people has, which is noted.
    Who is invited comes without a tenant: the invitation gives them one.
    """
    known = _known(person)
    if known is None:
        try:
            with transaction.atomic():
                return _first_seen(person, is_invited=is_invited)
        except IntegrityError:  # their other tab was first
            known = _known(person)
    return known.user if known and known.user.is_active else None


def connect(person: Person, *, user: User) -> bool:
    """Let a person who is signed in come by the provider too. False when that account of it is somebody else's."""
    identity, _ = Identity.objects.get_or_create(
        issuer=person.issuer, subject=person.subject, defaults={"user_id": user.pk}
    )
    return identity.user_id == user.pk


def identities_of(user: User) -> QuerySet[Identity]:
    return Identity.objects.filter(user_id=user.pk).order_by("created_at")


def _known(person: Person) -> Identity | None:
    return Identity.objects.select_related("user").filter(issuer=person.issuer, subject=person.subject).first()


def _first_seen(person: Person, *, is_invited: bool) -> User | None:
    user = _by_email(person.email) or _newcomer(person, is_invited=is_invited)
    if user:
        Identity.objects.create(user=user, issuer=person.issuer, subject=person.subject)
    return user


def _by_email(email: str) -> User | None:
    """Nobody sets the address of their own account: it is the operator's word."""
    same = list(User.objects.filter(email__iexact=email, is_active=True)[:2]) if email else []
    return same[0] if len(same) == 1 else None


def _newcomer(person: Person, *, is_invited: bool) -> User | None:
    if is_invited:
        return _new_user(person)
    if settings.ENV.oidc_newcomers == "own":
        user = _new_user(person)
        tenant = Tenant.objects.create(name=user.get_username())
        Membership.objects.create(tenant=tenant, user=user, role=Membership.Role.OWNER)
        return user
    named = list(Tenant.objects.filter(name=settings.ENV.oidc_tenant, suspended_at=None)[:2])
    if settings.ENV.oidc_newcomers == "join" and len(named) == 1:
        user = _new_user(person)
        Membership.objects.create(tenant=named[0], user=user)
        return user
    return None


def _new_user(person: Person) -> User:
    return User.objects.create_user(username=_free_name(person), email=person.email, password=None)


def _free_name(person: Person) -> str:
    """What the provider suggests, in the characters of our names, with a number where it is taken."""
    wanted = re.sub(r"[^\w.@+-]", "", person.name or person.email.partition("@")[0])[:MAX_NAME] or "person"
    taken = {
        name.casefold() for name in User.objects.filter(username__istartswith=wanted).values_list("username", flat=True)
    }
    if wanted.casefold() not in taken:
        return wanted
    return next(name for n in range(2, len(taken) + 3) if (name := f"{wanted}-{n}").casefold() not in taken)
