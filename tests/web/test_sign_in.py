"""Signing in and out, and what is shown to those who are not signed in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from quire.tenants.models import Membership, Tenant
from quire.tenants.services import Caller, sign_in_tokens

PASSWORD = "a long password"


@pytest.fixture
def password(caller: Caller) -> str:
    caller.user.set_password(PASSWORD)
    caller.user.save()
    return PASSWORD


@pytest.fixture
def link(caller: Caller) -> str:
    uid = urlsafe_base64_encode(force_bytes(caller.user.pk))
    return f"/sign-in/{uid}/{sign_in_tokens.make_token(caller.user)}/"


def is_signed_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def test_a_password_signs_in_and_leads_where_one_wanted_to_go(password: str) -> None:
    browser = Client()
    wanted = browser.get("/jobs/")
    assert wanted.headers["Location"] == "/sign-in/?next=/jobs/"
    answer = browser.post("/sign-in/?next=/jobs/", {"username": "ada", "password": password})
    assert answer.headers["Location"] == "/jobs/"
    assert is_signed_in(browser)


def test_a_wrong_password_says_so_keeps_the_name_and_asks_for_the_password(caller: Caller) -> None:
    page = Client().post("/sign-in/", {"username": "ada", "password": "another"}).content.decode()
    assert "do not match" in page
    assert 'value="ada"' in page
    assert page.index('name="password"') < page.index(" autofocus")


def test_nobody_is_led_to_another_site(password: str) -> None:
    answer = Client().post("/sign-in/", {"username": "ada", "password": password, "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_a_link_signs_in_once(link: str) -> None:
    browser = Client()
    assert browser.post(link).headers["Location"] == "/welcome/"
    assert is_signed_in(browser)
    second = Client()
    assert second.post(link).status_code == 410
    assert not is_signed_in(second)


def test_looking_into_a_link_does_not_use_it_up(link: str) -> None:
    preview, browser = Client(), Client()
    assert preview.get(link).status_code == 200
    assert not is_signed_in(preview)
    browser.post(link)
    assert is_signed_in(browser)


def test_a_link_pressed_from_another_site_signs_nobody_in(link: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(link).status_code == 403
    assert not is_signed_in(browser)


@pytest.mark.parametrize("path", ["/sign-in/AA/x/", "/sign-in/bm9ib2R5/x-y/", "/sign-in/%F0/x/"])
def test_a_made_up_link_is_refused_kindly(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 410
    assert "no longer works" in answer.content.decode()


def test_signing_out_needs_a_post(browser: Client) -> None:
    assert browser.get("/sign-out/").status_code == 405
    assert is_signed_in(browser)
    browser.post("/sign-out/")
    assert not is_signed_in(browser)


def test_a_fragment_asked_for_after_signing_out_leads_the_whole_page_to_sign_in(db: None) -> None:
    answer = Client().get("/jobs/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/sign-in/"


def test_a_person_of_no_active_tenant_is_told_so(browser: Client, caller: Caller) -> None:
    Membership.objects.all().delete()
    assert browser.get("/").status_code == 403
    Membership.objects.create(tenant=caller.tenant, user=caller.user)
    assert is_signed_in(browser)
    Tenant.objects.update(suspended_at="2026-01-01T00:00Z")
    assert not is_signed_in(browser)
