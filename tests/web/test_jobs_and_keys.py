"""The job list and the keys page."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from quire.documents.models import Document
from quire.tenants import services
from quire.tenants.models import ApiKey, Membership, User
from quire.tenants.services import Caller, caller_of_key

Put = Callable[..., Document]


def test_a_job_shows_its_id_task_arguments_and_status(browser: Client, put: Put) -> None:
    document = put("Worked on.")
    run = document.ingestions.get()
    html = browser.get("/jobs/").content.decode()
    for value in (run.task_id, "process_document", run.storage_key, document.id, document.uploader_id, "SUCCESS"):
        assert str(value) in html


def test_a_jobs_status_stands_before_what_may_be_long(browser: Client, put: Put) -> None:
    name = "without_any_blank_" * 10 + ".txt"
    put("Worked on.", name=name)
    html = browser.get("/jobs/").content.decode()
    assert html.index(">SUCCESS<") < html.index(name)


def test_the_job_list_alone_is_answered_to_htmx(browser: Client) -> None:
    html = browser.get("/jobs/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in html
    assert "No jobs yet" in html


def test_another_tenants_jobs_are_not_listed(browser: Client, put: Put, stranger: Caller) -> None:
    theirs = put("Theirs.", owner=stranger)
    assert str(theirs.id) not in browser.get("/jobs/").content.decode()


def test_a_new_key_is_shown_once_and_works(browser: Client, caller: Caller) -> None:
    made = browser.post("/settings/keys/", {"name": "<script>laptop"}).content.decode()
    found = re.search(r'id="new-key">(qk_[\w-]+)<', made)
    assert found
    found_caller = caller_of_key(found[1])
    assert found_caller is not None
    assert found_caller.user == caller.user
    again = browser.get("/settings/keys/").content.decode()
    assert found[1] not in again
    assert "&lt;script&gt;laptop" in again


def test_a_key_without_a_name_is_not_made(browser: Client) -> None:
    html = browser.post("/settings/keys/", {"name": " "}).content.decode()
    assert "No keys yet" in html
    assert "required" in html


def test_a_revoked_key_is_no_longer_listed_and_no_longer_works(browser: Client, caller: Caller) -> None:
    key, raw = services.create_key(tenant=caller.tenant, user=caller.user, name="laptop")
    assert browser.post(f"/settings/keys/{key.id}/revoke/").status_code == 302
    assert caller_of_key(raw) is None
    assert "laptop" not in browser.get("/settings/keys/").content.decode()


def test_another_tenants_key_cannot_be_revoked(browser: Client, stranger: Caller) -> None:
    key, raw = services.create_key(tenant=stranger.tenant, user=stranger.user, name="theirs")
    assert browser.post(f"/settings/keys/{key.id}/revoke/").status_code == 404
    assert caller_of_key(raw) is not None


def test_an_owner_sees_and_revokes_every_key_of_the_tenant_and_a_member_their_own(
    browser: Client, client: Client, caller: Caller
) -> None:
    bob = User.objects.create_user(username="bob")
    Membership.objects.create(tenant=caller.tenant, user=bob, role=Membership.Role.MEMBER)
    key, raw = services.create_key(tenant=caller.tenant, user=bob, name="Bob's laptop")
    bobs = Client(headers={"Authorization": f"Bearer {raw}"})
    bobs_browser = Client()
    bobs_browser.force_login(bob)
    assert [found["name"] for found in bobs.get("/api/keys/").json()["results"]] == ["Bob's laptop"]
    shown = bobs_browser.get("/settings/keys/").content.decode()
    assert "Bob&#x27;s laptop" in shown
    assert "bob" in shown
    assert "ada" not in shown
    ada_key = ApiKey.objects.get(user=caller.user)
    assert bobs.delete(f"/api/keys/{ada_key.id}/").status_code == 404
    assert bobs_browser.post(f"/settings/keys/{ada_key.id}/revoke/").status_code == 404
    assert "Bob&#x27;s laptop" in browser.get("/settings/keys/").content.decode()
    assert {found["user_id"] for found in client.get("/api/keys/").json()["results"]} == {
        str(bob.id),
        str(caller.user.id),
    }
    assert client.delete(f"/api/keys/{key.id}/").status_code == 204
    assert caller_of_key(raw) is None
