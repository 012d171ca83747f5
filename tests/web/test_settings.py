"""The settings: members and their invitations, usage, one's own account, and the page that greets who is first."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from quire.documents.models import Document
from quire.tenants import members, services
from quire.tenants.models import Membership, User
from quire.tenants.services import Caller, sign_in_tokens

Put = Callable[..., Document]
PASSWORD = "a long password"
NEW = {"password1": PASSWORD, "password2": PASSWORD}
OTHER = {"new_password1": "quite another one", "new_password2": "quite another one"}


@pytest.fixture
def bob(caller: Caller) -> Client:
    """A member's browser."""
    user = User.objects.create_user(username="bob", password=PASSWORD)
    Membership.objects.create(tenant=caller.tenant, user=user)
    return signed_in(user)


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def invited(browser: Client, role: str = "member") -> str:
    """The path of a new invitation's link."""
    shown = browser.post("/settings/members/", {"role": role}).content.decode()
    found = re.search(r'id="new-link">http://testserver(/join/[\w-]+/)<', shown)
    assert found
    return found[1]


def test_an_invited_person_chooses_a_name_and_a_password_and_is_in_the_library(browser: Client, put: Put) -> None:
    put("Shared.", name="shared.txt")
    link, newcomer = invited(browser), Client()
    assert "Acme" in newcomer.get(link).content.decode()
    answer = newcomer.post(link, {"username": "bob", **NEW})
    assert answer.headers["Location"] == "/"
    assert "shared.txt" in newcomer.get("/").content.decode()
    assert Client().login(username="bob", password=PASSWORD)
    assert Client().get(link).status_code == 410


def test_an_invitation_is_shown_once_and_can_be_withdrawn(browser: Client, caller: Caller) -> None:
    link = invited(browser)
    assert link not in browser.get("/settings/members/").content.decode()
    invitation = members.invitations_of(caller.tenant).get()
    assert browser.post(f"/settings/invitations/{invitation.id}/withdraw/").status_code == 302
    assert Client().get(link).status_code == 410


def test_who_is_signed_in_joins_as_who_they_are_and_sees_that_library(
    browser: Client, put: Put, stranger: Caller
) -> None:
    put("Shared.", name="shared.txt")
    link, eve = invited(browser), signed_in(stranger.user)
    assert "Join as eve" in eve.get(link).content.decode()
    eve.post(link)
    assert "shared.txt" in eve.get("/").content.decode()


def test_a_name_that_is_taken_and_a_weak_password_are_refused_with_a_reason(browser: Client) -> None:
    link = invited(browser)
    shown = Client().post(link, {"username": "ADA", "password1": "short", "password2": "short"}).content.decode()
    assert "already exists" in shown
    assert "too short" in shown
    assert Client().get(link).status_code == 200


def test_a_member_sees_who_is_here_and_can_change_nothing(bob: Client, caller: Caller) -> None:
    shown = bob.get("/settings/members/").content.decode()
    assert "ada" in shown
    assert f"/settings/members/{caller.user.id}/" not in shown
    for path in ("", f"{caller.user.id}/role/", f"{caller.user.id}/remove/"):
        answer = bob.post(f"/settings/members/{path}", {"role": "member"})
        assert answer.status_code == 403
        assert "Only an owner" in answer.content.decode()
    assert members.is_owner(caller)


def test_a_removed_member_is_out_at_once(browser: Client, bob: Client) -> None:
    assert is_in(bob)
    bobs = User.objects.get(username="bob")
    browser.post(f"/settings/members/{bobs.id}/remove/")
    assert not is_in(bob)
    assert bob.get("/api/documents/").status_code == 401


def test_a_member_may_leave_and_the_last_owner_is_told_why_not(browser: Client, bob: Client, caller: Caller) -> None:
    bobs = User.objects.get(username="bob")
    assert ">Leave<" in bob.get("/settings/members/").content.decode()
    bob.post(f"/settings/members/{bobs.id}/remove/")
    assert not is_in(bob)
    assert ">Leave<" not in browser.get("/settings/members/").content.decode()
    answer = browser.post(f"/settings/members/{caller.user.id}/remove/", follow=True)
    assert "needs an owner" in answer.content.decode()
    assert is_in(browser)


def test_a_role_is_changed(browser: Client, bob: Client) -> None:
    bobs = User.objects.get(username="bob")
    browser.post(f"/settings/members/{bobs.id}/role/", {"role": "owner"})
    assert bob.post("/settings/members/", {"role": "member"}).status_code == 200
    assert browser.post(f"/settings/members/{bobs.id}/role/", {"role": "king"}).status_code == 404


def test_usage_says_how_much_of_how_much(browser: Client, put: Put, caller: Caller) -> None:
    put("Twelve bytes")
    shown = browser.get("/settings/usage/").content.decode()
    assert shown.count("no limit") == 3
    assert "<meter" not in shown
    caller.tenant.max_documents, caller.tenant.max_bytes = 4, 24
    caller.tenant.save()
    shown = browser.get("/settings/usage/").content.decode()
    assert "<strong>1</strong> of 4" in shown
    assert "<strong>12\xa0bytes</strong> of 24\xa0bytes" in shown
    assert shown.count("<meter") == 2


def test_requests_are_shown_of_the_allowed_and_as_not_known_without_redis(
    browser: Client, settings: object, caller: Caller
) -> None:
    limited = settings.ENV.model_copy(update={"max_requests_per_minute": 60})  # type: ignore[attr-defined]
    settings.ENV = limited  # type: ignore[attr-defined]
    shown = browser.get("/settings/usage/").content.decode()
    assert "not known at present" in shown
    assert "of 60" in shown


def test_a_new_password_keeps_this_session_and_ends_the_others(caller: Caller) -> None:
    caller.user.set_password(PASSWORD)
    caller.user.save()
    here, elsewhere = signed_in(caller.user), signed_in(caller.user)
    refused = here.post("/settings/account/", {"old_password": "wrong", **OTHER})
    assert "incorrectly" in refused.content.decode()
    here.post("/settings/account/", {"old_password": PASSWORD, **OTHER})
    assert is_in(here)
    assert not is_in(elsewhere)
    assert Client().login(username="ada", password="quite another one")


def test_signing_out_elsewhere_keeps_this_session_and_keys(browser: Client, caller: Caller, api_key: str) -> None:
    elsewhere = signed_in(caller.user)
    assert is_in(elsewhere)
    browser.post("/settings/account/sessions/")
    assert is_in(browser)
    assert not is_in(elsewhere)
    assert services.caller_of_key(api_key)


def test_the_first_link_leads_to_a_welcome_where_a_password_is_chosen_or_not(caller: Caller) -> None:
    browser = Client()
    assert browser.post(link_of(caller.user)).headers["Location"] == "/welcome/"
    assert "What to do first" in browser.get("/welcome/").content.decode()
    again = Client()
    assert again.post(link_of(caller.user)).headers["Location"] == "/"
    assert again.post("/welcome/", OTHER).headers["Location"] == "/"
    assert "Your password is set." in again.get("/").content.decode()
    assert is_in(again)
    assert Client().login(username="ada", password="quite another one")
    assert again.get("/welcome/").headers["Location"] == "/"


def link_of(user: User) -> str:
    user.refresh_from_db()
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return f"/sign-in/{uid}/{sign_in_tokens.make_token(user)}/"


def test_jobs_are_filtered_by_status(browser: Client, put: Put) -> None:
    put("Fine.", name="fine.txt")
    put(b"%PDF-1.7\n", name="torn.pdf")
    failed = browser.get("/jobs/?status=FAILURE").content.decode()
    assert "torn.pdf" in failed
    assert "fine.txt" not in failed
    assert "No job is RETRY" in browser.get("/jobs/?status=RETRY").content.decode()
    assert "fine.txt" in browser.get("/jobs/?status=nonsense").content.decode()


def test_the_job_list_is_sent_again_only_when_it_has_changed(browser: Client, put: Put) -> None:
    put("Fine.", name="fine.txt")
    page = browser.get("/jobs/").content.decode()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    asked = {"path": f"/jobs/?seen={seen}", "headers": {"HX-Request": "true"}}
    assert browser.get(**asked).status_code == 204  # type: ignore[arg-type]
    put("More.", name="more.txt")
    assert "more.txt" in browser.get(**asked).content.decode()  # type: ignore[arg-type]


def test_a_keys_examples_carry_the_address_and_the_new_key_once(browser: Client) -> None:
    before = browser.get("/settings/keys/").content.decode()
    assert "curl http://testserver/api/ingest/" in before
    assert "YOUR_KEY" in before
    made = browser.post("/settings/keys/", {"name": "laptop"}).content.decode()
    assert re.search(r"Authorization: Bearer qk_[\w-]{43}&quot;|Authorization: Bearer qk_[\w-]{43}\"", made)
    assert "YOUR_KEY" not in made
