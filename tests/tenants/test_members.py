"""Who is in a tenant: invitations, roles, and what ends when somebody is removed."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from quire.tenants import members, services
from quire.tenants.members import LastOwnerError
from quire.tenants.models import Invitation, Membership, User
from quire.tenants.services import Caller


def join(caller: Caller, name: str, role: str = "member") -> Caller:
    joined = members.accept_as_new(members.invite(caller, role=role)[1], username=name, password="a long password")
    assert joined
    return joined


def roles(caller: Caller) -> dict[str, str]:
    return {place.user.get_username(): place.role for place in members.members_of(caller.tenant)}


def test_an_invitation_lets_one_person_in_with_its_role(caller: Caller) -> None:
    _, raw = members.invite(caller, role="owner")
    assert members.accept_as_new(raw, username="bob", password="a long password")
    assert members.accept_as_new(raw, username="carol", password="a long password") is None
    assert roles(caller) == {"ada": "owner", "bob": "owner"}
    assert not User.objects.filter(username="carol").exists()


def test_an_invitation_is_kept_as_a_hash(caller: Caller) -> None:
    invitation, raw = members.invite(caller, role="member")
    assert raw not in str(Invitation.objects.filter(id=invitation.id).values().get())


def test_somebody_of_another_tenant_comes_by_an_invitation_as_who_they_are(caller: Caller, stranger: Caller) -> None:
    _, raw = members.invite(caller, role="member")
    joined = members.accept(raw, user=stranger.user)
    assert joined
    assert joined.tenant == caller.tenant
    assert roles(caller) == {"ada": "owner", "eve": "member"}
    assert members.accept(raw, user=stranger.user) is None


def test_who_is_in_already_keeps_role_and_leaves_the_invitation_to_another(caller: Caller) -> None:
    _, raw = members.invite(caller, role="member")
    assert members.accept(raw, user=caller.user)
    assert roles(caller) == {"ada": "owner"}
    assert members.invitation_of(raw)


def test_an_old_a_withdrawn_and_a_suspended_tenants_invitation_let_nobody_in(caller: Caller) -> None:
    old, old_raw = members.invite(caller, role="member")
    Invitation.objects.filter(id=old.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    withdrawn, withdrawn_raw = members.invite(caller, role="member")
    assert members.withdraw(tenant=caller.tenant, invitation_id=withdrawn.id)
    _, raw = members.invite(caller, role="member")
    caller.tenant.suspended_at = timezone.now()
    caller.tenant.save()
    for token in (old_raw, withdrawn_raw, raw, "made up"):
        assert members.accept_as_new(token, username="bob", password="a long password") is None


def test_another_tenants_invitation_cannot_be_withdrawn(caller: Caller, stranger: Caller) -> None:
    invitation, raw = members.invite(caller, role="member")
    assert not members.withdraw(tenant=stranger.tenant, invitation_id=invitation.id)
    assert members.invitation_of(raw)


def test_what_speaks_for_a_removed_member_ends_at_once(caller: Caller) -> None:
    bob = join(caller, "bob", role="owner")
    _, key = services.create_key(tenant=bob.tenant, user=bob.user, name="laptop")
    _, invitation = members.invite(bob, role="owner")
    assert members.remove(tenant=caller.tenant, user_id=bob.user.id)
    assert services.caller_of_key(key) is None
    assert services.caller_of_user(bob.user) is None
    assert members.invitation_of(invitation) is None


def test_who_comes_back_does_not_find_old_keys_alive(caller: Caller) -> None:
    bob = join(caller, "bob")
    _, key = services.create_key(tenant=bob.tenant, user=bob.user, name="laptop")
    members.remove(tenant=caller.tenant, user_id=bob.user.id)
    assert members.accept(members.invite(caller, role="member")[1], user=bob.user)
    assert services.caller_of_key(key) is None


def test_a_removed_members_keys_of_another_tenant_live_on(caller: Caller, stranger: Caller) -> None:
    members.accept(members.invite(caller, role="member")[1], user=stranger.user)
    _, key = services.create_key(tenant=stranger.tenant, user=stranger.user, name="laptop")
    members.remove(tenant=caller.tenant, user_id=stranger.user.id)
    assert services.caller_of_key(key)


def test_the_last_owner_can_neither_go_nor_become_a_member(caller: Caller) -> None:
    join(caller, "bob")
    with pytest.raises(LastOwnerError):
        members.remove(tenant=caller.tenant, user_id=caller.user.id)
    with pytest.raises(LastOwnerError):
        members.change_role(tenant=caller.tenant, user_id=caller.user.id, role="member")
    assert roles(caller) == {"ada": "owner", "bob": "member"}


def test_an_owner_who_is_suspended_does_not_count(caller: Caller) -> None:
    bob = join(caller, "bob", role="owner")
    User.objects.filter(id=bob.user.id).update(is_active=False)
    with pytest.raises(LastOwnerError):
        members.remove(tenant=caller.tenant, user_id=caller.user.id)


def test_who_is_an_owner_no_more_has_no_invitations_out(caller: Caller) -> None:
    bob = join(caller, "bob", role="owner")
    _, raw = members.invite(bob, role="owner")
    assert members.change_role(tenant=caller.tenant, user_id=bob.user.id, role="member")
    assert members.invitation_of(raw) is None
    assert not members.is_owner(bob)


def test_nobody_of_another_tenant_is_changed(caller: Caller, stranger: Caller) -> None:
    for user_id in (stranger.user.id, uuid.uuid4()):
        assert not members.change_role(tenant=caller.tenant, user_id=user_id, role="member")
        assert not members.remove(tenant=caller.tenant, user_id=user_id)
    assert roles(stranger) == {"eve": "owner"}


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays() -> None:
    ada = services.create_tenant(name="Acme", username="ada")
    bob = User.objects.create_user(username="bob")
    Membership.objects.create(tenant=ada.tenant, user=bob, role=Membership.Role.OWNER)
    both, outcomes = threading.Barrier(2), []

    def leave(user: User) -> None:
        both.wait(timeout=30)
        try:
            outcomes.append(members.remove(tenant=ada.tenant, user_id=user.id))
        except LastOwnerError:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(user,)) for user in (ada.user, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == [False, True]
    assert members.members_of(ada.tenant).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_invitation_at_once_one_is_let_in() -> None:
    ada = services.create_tenant(name="Acme", username="ada")
    people = [User.objects.create_user(username=name) for name in ("bob", "carol")]
    _, raw = members.invite(ada, role="member")
    both, outcomes = threading.Barrier(2), []

    def come(user: User) -> None:
        both.wait(timeout=30)
        outcomes.append(members.accept(raw, user=user) is not None)
        connection.close()

    threads = [threading.Thread(target=come, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == [False, True]
    assert members.members_of(ada.tenant).count() == 2
