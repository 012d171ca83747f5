"""Single sign-on, over real HTTP to a provider that follows the specification, and one that lies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client

from quire.tenants import identities, members, oidc
from quire.tenants.models import Identity, Tenant, User
from quire.tenants.oidc import Person
from quire.tenants.services import Caller
from quire.testing import oidc_server
from quire.testing.oidc_server import Claims, OidcServer

Set = Callable[..., None]


@pytest.fixture(scope="module")
def running() -> Iterator[OidcServer]:
    with oidc_server.serving() as server:
        yield server


@pytest.fixture
def provider(running: OidcServer, setting: Set) -> OidcServer:
    """Honest, as at its start; and the one that the service uses."""
    running.__dict__.update(
        person={"sub": "248289761001", "email": "ada@example.org", "email_verified": True},
        tamper=lambda claims: claims,
        is_terse=False,
        describes={},
        userinfo={},
    )
    running.redirect_uris = {"http://testserver/sign-in/oidc/callback/"}
    running.requests.clear()
    setting(**running.settings(), oidc_name="Acme ID")
    oidc._registered.cache_clear()
    return running


@pytest.fixture
def setting(settings: Any) -> Set:
    def set_(**values: object) -> None:
        settings.ENV = settings.ENV.model_copy(update=values)

    return set_


@pytest.fixture
def ada(caller: Caller) -> User:
    """Her address is the one that the provider vouches for."""
    caller.user.email = "Ada@example.org"
    caller.user.save()
    return caller.user


def there_and_back(browser: Client, start: str = "/sign-in/oidc/") -> Any:
    """The answer of our own address to which the provider sends the browser."""
    return browser.get(back(browser, start))


def back(browser: Client, start: str = "/sign-in/oidc/") -> str:
    answer = browser.get(start)
    assert answer.status_code == 302, answer.content.decode()
    returned = httpx.get(answer.headers["Location"], trust_env=False).headers["Location"]
    return returned.removeprefix("http://testserver")


def is_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def test_who_has_the_verified_address_signs_in_and_is_known_from_then_on(provider: OidcServer, ada: User) -> None:
    browser = Client()
    assert there_and_back(browser, "/sign-in/oidc/?next=/jobs/").headers["Location"] == "/jobs/"
    assert is_in(browser)
    assert Identity.objects.get().user == ada
    provider.person = {"sub": provider.person["sub"], "email": "married@example.org", "email_verified": True}
    again = Client()
    there_and_back(again)
    assert is_in(again)


def test_the_sign_in_page_has_a_button_where_there_is_a_provider(provider: OidcServer, setting: Set, db: None) -> None:
    assert "Sign in with Acme ID" in Client().get("/sign-in/").content.decode()
    setting(oidc_issuer="")
    assert "Acme ID" not in Client().get("/sign-in/").content.decode()
    assert Client().get("/sign-in/oidc/").status_code == 404
    assert Client().get("/sign-in/oidc/callback/?code=a&state=b").status_code == 404


def test_the_provider_is_asked_with_pkce_state_and_nonce_and_its_code_works_once(
    provider: OidcServer, ada: User
) -> None:
    browser = Client()
    asked = parse_qs(urlsplit(browser.get("/sign-in/oidc/").headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 20
    assert len(asked["nonce"][0]) >= 20
    address = back(browser)
    assert browser.get(address).status_code == 302
    browser.post("/sign-out/")
    assert browser.get(address).status_code == 400
    assert not is_in(browser)


def test_an_answer_begun_in_another_browser_signs_nobody_in(provider: OidcServer, ada: User) -> None:
    address = back(Client())
    victim = Client()
    assert victim.get(address).status_code == 400
    assert not is_in(victim)


LIES: dict[str, Callable[[Claims], Claims]] = {
    "another issuer": lambda claims: claims | {"iss": "https://evil.example"},
    "another audience": lambda claims: claims | {"aud": "another"},
    "another audience, for us": lambda claims: claims | {"aud": "another", "azp": oidc_server.CLIENT_ID},
    "another nonce": lambda claims: claims | {"nonce": "x" * 20},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "too old": lambda claims: claims | {"exp": int(time.time()) - 600},
    "without an end": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "of another access token": lambda claims: claims | {"at_hash": "x" * 22},
    "about nobody": lambda claims: claims | {"sub": ""},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_that_lies_is_not_believed(provider: OidcServer, ada: User, lie: str) -> None:
    provider.tamper = LIES[lie]
    browser = Client()
    answer = there_and_back(browser)
    assert answer.status_code == 400
    assert "did not work" in answer.content.decode()
    assert not is_in(browser)


def test_an_id_token_signed_by_a_key_that_is_not_published_is_not_believed(provider: OidcServer, ada: User) -> None:
    published, stolen = provider.keys, oidc_server._new_key(provider.keys[0].kid or "")
    browser = Client()
    address = back(browser)
    provider.keys = [stolen]
    oidc._provider().server_metadata["jwks"] = {"keys": [key.as_dict(private=False) for key in published]}
    answer = browser.get(address)
    provider.keys = published
    assert answer.status_code == 400
    assert not is_in(browser)


def test_a_new_key_of_the_provider_is_asked_for(provider: OidcServer, ada: User) -> None:
    there_and_back(Client())
    provider.change_key()
    browser = Client()
    there_and_back(browser)
    assert is_in(browser)


@pytest.mark.parametrize(
    "describes",
    [
        {"issuer": "https://evil.example"},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
        {"issuer": None},
    ],
    ids=["another issuer", "no key pair", "none"],
)
def test_a_description_that_cannot_be_believed_lets_nobody_in(
    provider: OidcServer, ada: User, describes: Claims
) -> None:
    provider.describes = describes
    browser = Client()
    answer = browser.get("/sign-in/oidc/")
    if answer.status_code == 302:
        answer = there_and_back(browser)
    assert answer.status_code in {400, 502}
    assert not is_in(browser)
    provider.describes = {}
    oidc._registered.cache_clear()


def test_a_provider_that_is_away_is_said_to_be(provider: OidcServer, setting: Set, db: None) -> None:
    setting(oidc_issuer="http://127.0.0.1:9")
    answer = Client().get("/sign-in/oidc/")
    assert answer.status_code == 502
    assert "Acme ID could not be asked" in answer.content.decode()


def test_what_the_id_token_does_not_say_is_asked_for_and_is_about_the_same_person(
    provider: OidcServer, ada: User
) -> None:
    provider.is_terse = True
    browser = Client()
    there_and_back(browser)
    assert is_in(browser)
    assert "GET /userinfo" in provider.requests
    provider.userinfo = {"sub": "somebody else"}
    assert there_and_back(Client()).status_code == 400


@pytest.mark.parametrize("verified", [False, "false", None, 1])
def test_an_address_that_is_not_verified_makes_nobody_somebody(
    provider: OidcServer, ada: User, verified: object
) -> None:
    provider.person |= {"email_verified": verified}
    browser = Client()
    answer = there_and_back(browser)
    assert answer.status_code == 403
    assert "not known here" in answer.content.decode()
    assert not is_in(browser)


def test_an_address_that_two_have_makes_nobody_one_of_them(provider: OidcServer, ada: User) -> None:
    User.objects.create_user("bob", email="ada@example.org")
    assert there_and_back(Client()).status_code == 403


def test_a_newcomer_is_refused_by_default(provider: OidcServer, caller: Caller) -> None:
    browser = Client()
    assert there_and_back(browser).status_code == 403
    assert not Identity.objects.exists()
    assert User.objects.count() == 1


def test_a_newcomer_may_get_a_tenant_of_their_own(provider: OidcServer, caller: Caller, setting: Set) -> None:
    setting(oidc_newcomers="own")
    browser = Client()
    there_and_back(browser)
    assert is_in(browser)
    newcomer = Identity.objects.get().user
    assert newcomer.get_username() == "ada-2"  # ada is another person
    assert not newcomer.has_usable_password()
    assert list(Tenant.objects.filter(name="ada-2")) == [members.Tenant.objects.get(name="ada-2")]
    assert members.members_of(caller.tenant).count() == 1


def test_a_newcomer_may_join_a_named_tenant_as_a_member(
    provider: OidcServer, caller: Caller, stranger: Caller, setting: Set
) -> None:
    setting(oidc_newcomers="join", oidc_tenant="Other")
    there_and_back(Client())
    roles = {place.user.get_username(): place.role for place in members.members_of(stranger.tenant)}
    assert roles == {"eve": "owner", "ada-2": "member"}
    Tenant.objects.create(name="Other")  # which of them is nobody's guess
    provider.person |= {"sub": "another", "email": "bob@example.org"}
    assert there_and_back(Client()).status_code == 403


def test_a_newcomer_with_an_invitation_comes_in_by_it(provider: OidcServer, caller: Caller) -> None:
    _, raw = members.invite(caller, role="member")
    browser = Client()
    answer = there_and_back(browser, f"/sign-in/oidc/?next=/join/{raw}/")
    assert answer.headers["Location"] == f"/join/{raw}/"
    assert not is_in(browser)
    browser.post(f"/join/{raw}/")
    assert is_in(browser)
    assert there_and_back(Client(), f"/sign-in/oidc/?next=/join/{raw}/").status_code == 302


def test_nobody_is_led_to_another_site(provider: OidcServer, ada: User) -> None:
    for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert there_and_back(Client(), f"/sign-in/oidc/?next={wanted}").headers["Location"] == "/"


def test_a_suspended_person_is_not_let_in(provider: OidcServer, ada: User) -> None:
    there_and_back(Client())
    User.objects.filter(id=ada.id).update(is_active=False)
    assert there_and_back(Client()).status_code == 403


def test_who_is_signed_in_connects_their_account_and_nobody_elses(
    provider: OidcServer, browser: Client, caller: Caller, stranger: Caller
) -> None:
    assert "Connect Acme ID" in browser.get("/settings/account/").content.decode()
    assert there_and_back(browser).headers["Location"] == "/settings/account/"
    assert "is connected" in browser.get("/settings/account/").content.decode()
    assert identities.identities_of(caller.user).count() == 1
    eves = Client()
    eves.force_login(stranger.user)
    there_and_back(eves)
    assert "connected with another person" in eves.get("/settings/account/").content.decode()
    assert not identities.identities_of(stranger.user).exists()


def test_names_are_made_of_what_names_may_have(caller: Caller, setting: Set) -> None:
    setting(oidc_newcomers="own")
    names = ["Ada Lovelace", "ADA", "<b>", "名前", "x" * 300]
    made = [
        identities.user_of(Person(issuer="https://id", subject=str(n), email="", name=name))
        for n, name in enumerate(names)
    ]
    assert [user.get_username()[:20] for user in made if user] == ["AdaLovelace", "ADA-2", "b", "名前", "x" * 20]
