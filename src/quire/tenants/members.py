"""Who is in a tenant and as what: owners invite, change roles and remove; a tenant is never without an owner.

Each change holds the tenant's row, so that of two owners who leave at the same moment one stays.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from quire.core.errors import QuireError
from quire.tenants.models import ApiKey, Invitation, Membership, Tenant, User
from quire.tenants.services import Caller

INVITATION_VALID = timedelta(days=7)
Role = Membership.Role


class LastOwnerError(QuireError):
    """The change would leave the tenant without an owner."""


def is_owner(caller: Caller) -> bool:
    return _places(caller.tenant).filter(user=caller.user, role=Role.OWNER).exists()


def members_of(tenant: Tenant) -> QuerySet[Membership]:
    """Those in the tenant with their people, the first one first."""
    return _places(tenant).select_related("user").order_by("created_at", "id")


def last_owner_id(tenant: Tenant) -> UUID | None:
    """Whom the tenant cannot be without; None while there are several."""
    owners = _places(tenant).filter(role=Role.OWNER, user__is_active=True).values_list("user_id", flat=True)[:2]
    return owners[0] if len(owners) == 1 else None


@transaction.atomic
def change_role(*, tenant: Tenant, user_id: UUID, role: str) -> bool:
    """False when nobody of that id is in the tenant. Raises `LastOwnerError`."""
    place = _held(tenant, user_id)
    if place is None:
        return False
    if role != Role.OWNER:
        _check_another_owner(tenant, place)
        _open(tenant).filter(invited_by=place.user).delete()
    _places(tenant).filter(id=place.id).update(role=Role(role))
    return True


@transaction.atomic
def remove(*, tenant: Tenant, user_id: UUID) -> bool:
    """Take a person out, and end at once what speaks for them here: keys, sessions, invitations they gave.

    Sessions end since each request looks for the place. False when nobody of that id is in it; raises `LastOwnerError`.
    """
    place = _held(tenant, user_id)
    if place is None:
        return False
    _check_another_owner(tenant, place)
    # Not the lack of a place alone: somebody who comes back must not find old keys alive.
    ApiKey.objects.for_tenant(tenant).filter(user=place.user, revoked_at=None).update(revoked_at=Now())
    _open(tenant).filter(invited_by=place.user).delete()
    _places(tenant).filter(id=place.id).delete()
    return True


def invite(caller: Caller, *, role: str) -> tuple[Invitation, str]:
    """Make an invitation; the second value is its token, which cannot be read again."""
    raw = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        tenant=caller.tenant,
        invited_by=caller.user,
        role=Role(role),
        token_hash=_hash(raw),
        expires_at=timezone.now() + INVITATION_VALID,
    )
    return invitation, raw


def invitations_of(tenant: Tenant) -> QuerySet[Invitation]:
    """Those that still let somebody in, the newest first."""
    return _open(tenant).select_related("invited_by").order_by("-created_at")


def withdraw(*, tenant: Tenant, invitation_id: UUID) -> bool:
    """End an invitation at once. False when this tenant has no such open one."""
    return bool(_open(tenant).filter(id=invitation_id).delete()[0])


def invitation_of(raw: str) -> Invitation | None:
    """The open invitation of this token; None for one that is used, withdrawn, too old, or of a suspended tenant."""
    living = Invitation.objects.filter(token_hash=_hash(raw), used_at=None, expires_at__gt=Now())
    found: Invitation | None = living.filter(tenant__suspended_at=None).select_related("tenant", "invited_by").first()
    return found


@transaction.atomic
def accept(raw: str, *, user: User) -> Caller | None:
    """Give the person their place, and use the invitation up. None when it is open no more.

    Who is in the tenant already keeps their role, and leaves the invitation to another.
    """
    invitation = invitation_of(raw)
    if invitation is None:
        return None
    tenant = invitation.tenant
    if _places(tenant).filter(user=user).exists():
        return Caller(tenant=tenant, user=user)
    # The count decides: of two at once one is let in.
    if not _open(tenant).filter(id=invitation.id).update(used_at=Now()):
        return None
    Membership.objects.create(tenant=tenant, user=user, role=invitation.role)
    return Caller(tenant=tenant, user=user)


@transaction.atomic
def accept_as_new(raw: str, *, username: str, password: str) -> Caller | None:
    """Make a person of that name, who must not be there yet, and give them their place."""
    user = User.objects.create_user(username=username, password=password)
    caller = accept(raw, user=user)
    if caller is None:
        transaction.set_rollback(True)
    return caller


def end_sessions(user: User) -> None:
    """Sign the person out everywhere. The object given knows it afterwards, so that one session can be kept."""
    User.objects.filter(id=user.id).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])


def _places(tenant: Tenant) -> QuerySet[Membership]:
    places: QuerySet[Membership] = Membership.objects.for_tenant(tenant)
    return places


def _open(tenant: Tenant) -> QuerySet[Any]:
    return Invitation.objects.for_tenant(tenant).filter(used_at=None, expires_at__gt=Now())


def _held(tenant: Tenant, user_id: UUID) -> Membership | None:
    """The person's place, with the tenant's row locked before it is looked at."""
    Tenant.objects.select_for_update().get(id=tenant.id)
    return _places(tenant).select_related("user").filter(user_id=user_id).first()


def _check_another_owner(tenant: Tenant, place: Membership) -> None:
    others = _places(tenant).filter(role=Role.OWNER, user__is_active=True).exclude(id=place.id)
    if place.role == Role.OWNER and not others.exists():
        raise LastOwnerError("This is the last owner. Make somebody else an owner first.")


def _hash(raw: str) -> str:
    """As of keys: 256 random bits need no slow hash."""
    return hashlib.sha256(raw.encode()).hexdigest()
