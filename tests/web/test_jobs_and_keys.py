"""The job list and the keys page."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from quire.documents.models import Document
from quire.tenants import services
from quire.tenants.services import Caller, caller_of_key

Put = Callable[..., Document]


def test_a_job_shows_its_id_task_arguments_and_status(browser: Client, put: Put) -> None:
    document = put("Worked on.")
    run = document.ingestions.get()
    html = browser.get("/jobs/").content.decode()
    for value in (run.task_id, "process_document", run.storage_key, document.id, document.uploader_id, "SUCCESS"):
        assert str(value) in html


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
