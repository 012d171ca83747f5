"""Makes tenants, members and keys, and tells who a key or a person speaks for."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from quire.tenants.models import ApiKey, Membership, Tenant, User

KEY_PREFIX = "qk_"
SESSION_TENANT = "tenant_id"
LAST_USED_GRAIN = timedelta(minutes=1)
"""How exactly `last_used_at` is kept: a write for every request would be a queue at the database."""

sign_in_tokens = PasswordResetTokenGenerator()
"""Tokens of sign-in links: the first use ends them, since signing in changes `last_login`; a new password too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is asking: a person in a tenant, by session or by one of their keys."""

    tenant: Tenant
    user: User
    api_key: ApiKey | None = None


@transaction.atomic
def create_tenant(*, name: str, username: str, email: str = "", password: str | None = None) -> Caller:
    """Make a tenant with its first member, the owner. Without a password they sign in by link only."""
    tenant = Tenant.objects.create(name=name)
    user = User.objects.create_user(username=username, email=email, password=password)
    Membership.objects.create(tenant=tenant, user=user, role=Membership.Role.OWNER)
    return Caller(tenant=tenant, user=user)


def create_key(*, tenant: Tenant, user: User, name: str) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which cannot be read again."""
    raw = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(tenant=tenant, user=user, name=name, prefix=raw[:10], key_hash=_hash(raw))
    return key, raw


def keys_of(caller: Caller) -> QuerySet[ApiKey]:
    """The living keys that a person sees and may revoke: their own; an owner all of the tenant's."""
    living: QuerySet[ApiKey] = ApiKey.objects.for_tenant(caller.tenant).filter(revoked_at=None)
    mine = Membership.objects.for_tenant(caller.tenant).filter(user=caller.user, role=Membership.Role.OWNER)
    return (living if mine.exists() else living.filter(user=caller.user)).select_related("user")


def revoke_key(*, tenant: Tenant, key_id: object) -> bool:
    """End a key at once. False when this tenant has no such living key."""
    living = ApiKey.objects.for_tenant(tenant).filter(id=key_id, revoked_at=None)
    return bool(living.update(revoked_at=Now()))


def caller_of_key(raw: str) -> Caller | None:
    """Who this key speaks for; None for an unknown or revoked key, a suspended tenant, a person who has left."""
    if not raw.startswith(KEY_PREFIX):
        return None
    key = (
        ApiKey.objects.select_related("tenant", "user")
        .filter(key_hash=_hash(raw), revoked_at=None, tenant__suspended_at=None, user__is_active=True)
        .filter(user__memberships__tenant_id=F("tenant_id"))
        .first()
    )
    if key is None:
        return None
    used_before = timezone.now() - LAST_USED_GRAIN
    ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=used_before), id=key.id).update(last_used_at=Now())
    return Caller(tenant=key.tenant, user=key.user, api_key=key)


def caller_of_user(user: User, *, tenant_id: str | None = None) -> Caller | None:
    """The person in the tenant asked for, or in their first; None when they belong to none that is not suspended."""
    memberships = Membership.objects.select_related("tenant").filter(user=user, tenant__suspended_at=None)
    if tenant_id:
        memberships = memberships.filter(tenant_id=tenant_id)
    membership = memberships.order_by("created_at").first()
    return Caller(tenant=membership.tenant, user=user) if membership and user.is_active else None


def caller_of_session(user: User, session: SessionBase) -> Caller | None:
    """The person in the tenant they switched to, else in their first.

    None when they are in it no more: a request meant for one tenant must not land in another.
    """
    return caller_of_user(user, tenant_id=session.get(SESSION_TENANT))


def switch_tenant(user: User, session: SessionBase, *, tenant_id: UUID) -> bool:
    """Have this session speak for another tenant. False when the person is not in it, or it is suspended."""
    if caller_of_user(user, tenant_id=str(tenant_id)) is None:
        return False
    session[SESSION_TENANT] = str(tenant_id)
    return True


def tenants_of(user: User) -> QuerySet[Tenant]:
    """Those that a person may switch between, the first one first."""
    active = Membership.objects.filter(user=user, tenant__suspended_at=None)
    joined = active.filter(tenant=OuterRef("id")).values("created_at")[:1]
    return Tenant.objects.filter(id__in=active.values("tenant_id")).order_by(Subquery(joined))


def still_may(caller: Caller) -> bool:
    """Whether somebody who was let in would be let in now: for what goes on after the request was judged.

    Knows of keys, people, memberships and tenants; not of a session that was signed out since.
    """
    living = {"user__is_active": True, "tenant__suspended_at": None}
    is_member = Membership.objects.for_tenant(caller.tenant).filter(user=caller.user, **living).exists()
    keys = ApiKey.objects.for_tenant(caller.tenant).filter(revoked_at=None)
    return is_member and (caller.api_key is None or keys.filter(id=caller.api_key.id).exists())


def _hash(raw: str) -> str:
    """SHA-256: a key has 256 random bits, so that a slow hash would protect nothing and cost each request."""
    return hashlib.sha256(raw.encode()).hexdigest()
