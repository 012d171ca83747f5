"""A person in two tenants, and the switch between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from quire.documents.models import Document
from quire.tenants.models import Membership
from quire.tenants.services import Caller

Put = Callable[..., Document]


@pytest.fixture
def second(caller: Caller, stranger: Caller) -> Caller:
    """Ada in the other tenant too."""
    Membership.objects.create(tenant=stranger.tenant, user=caller.user)
    return Caller(tenant=stranger.tenant, user=caller.user)


def switch(browser: Client, tenant_id: object) -> int:
    return browser.post("/settings/tenant/", {"tenant_id": str(tenant_id)}).status_code


def test_pages_and_api_speak_for_the_tenant_switched_to(browser: Client, put: Put, second: Caller) -> None:
    here, there = put("Here.", name="mine.txt"), put("There.", name="other.txt", owner=second)
    assert "mine.txt" in browser.get("/").content.decode()
    assert switch(browser, second.tenant.id) == 302
    shown = browser.get("/").content.decode()
    assert "other.txt" in shown
    assert "mine.txt" not in shown
    assert [found["id"] for found in browser.get("/api/documents/").json()["results"]] == [str(there.id)]
    assert browser.get(f"/documents/{here.id}/").status_code == 404


def test_only_who_is_in_two_tenants_is_shown_a_switch(browser: Client, put: Put, stranger: Caller) -> None:
    assert "/settings/tenant/" not in browser.get("/").content.decode()
    Membership.objects.create(tenant=stranger.tenant, user=put("x").uploader)  # type: ignore[misc]
    shown = browser.get("/").content.decode()
    assert "/settings/tenant/" in shown
    assert ">Other</option>" in shown


@pytest.mark.parametrize("wanted", ["stranger", "nonsense", ""])
def test_nobody_switches_to_a_tenant_that_is_not_theirs(browser: Client, stranger: Caller, wanted: str) -> None:
    assert switch(browser, stranger.tenant.id if wanted == "stranger" else wanted) == 404
    assert browser.get("/").status_code == 200


def test_who_left_the_tenant_they_were_in_is_not_taken_to_another_unasked(
    browser: Client, caller: Caller, second: Caller
) -> None:
    switch(browser, second.tenant.id)
    Membership.objects.filter(tenant=second.tenant, user=caller.user).delete()
    assert browser.get("/api/documents/").status_code == 401
    refused = browser.get("/")
    assert refused.status_code == 403
    assert "/settings/tenant/" in refused.content.decode()
    assert switch(browser, caller.tenant.id) == 302
    assert browser.get("/").status_code == 200
