"""What browsers, guessers and careless proxies could be used for: passwords, cookies, frames, caches, odd input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import FileResponse
from django.test import Client
from tests.documents.real_redis import RealRedis
from tests.security.test_every_route import CLOSED, Route, World, by_key, by_session, call, fill, routes
from tests.security.test_every_route import world as world
from tests.web.conftest import put as put

from quire.documents.models import Document
from quire.tenants import sign_in_throttle as throttle
from quire.tenants.services import Caller

Put = Callable[..., Document]
PASSWORD = "a long password"


@pytest.fixture
def redis() -> Iterator[RealRedis]:
    throttle._redis.cache_clear()
    server = RealRedis()
    server.start()
    server.client.flushall()
    yield server
    server.kill()
    throttle._redis.cache_clear()


@pytest.fixture
def ada(caller: Caller, settings: Any) -> Caller:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    caller.user.set_password(PASSWORD)
    caller.user.save()
    return caller


def sign_in(password: str, *, name: str = "ada", address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/sign-in/", {"username": name, "password": password})


def test_who_guesses_is_shut_out_and_nobody_else_is(redis: RealRedis, ada: Caller) -> None:
    for _ in range(throttle.MAX_FOR_A_NAME):
        assert sign_in("wrong").status_code == 200
    shut = sign_in(PASSWORD)
    assert shut.status_code == 429
    assert "Too many tries" in shut.content.decode()
    assert int(shut.headers["Retry-After"]) > 0
    assert sign_in(PASSWORD, address="192.0.2.2").status_code == 302


def test_who_tries_many_names_is_shut_out_too(redis: RealRedis, ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_FOR_AN_ADDRESS", 3)
    for number in range(3):
        assert sign_in("wrong", name=f"nobody{number}").status_code == 200
    assert sign_in(PASSWORD).status_code == 429


def test_the_right_password_makes_failures_forgotten(redis: RealRedis, ada: Caller) -> None:
    for _ in range(2):
        for _ in range(throttle.MAX_FOR_A_NAME - 1):
            sign_in("wrong")
        assert sign_in(PASSWORD).status_code == 302


def test_failures_are_forgotten_after_a_while_and_name_nobody(redis: RealRedis, ada: Caller) -> None:
    sign_in("wrong")
    keys = list(redis.client.scan_iter("quire:sign-in:*"))
    assert len(keys) == 2
    for key in keys:
        assert b"ada" not in key
        assert 0 < redis.client.ttl(key) <= throttle.WINDOW_S


def test_without_redis_one_can_sign_in(ada: Caller) -> None:
    throttle._redis.cache_clear()
    assert sign_in("wrong").status_code == 200
    assert sign_in(PASSWORD).status_code == 302


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(ada: Caller) -> None:
    def page(name: str) -> str:
        text = sign_in("wrong", name=name).content.decode().replace(name, "")
        return re.sub(r'csrfmiddlewaretoken" value="\w+"', "", text)

    assert page("ada") == page("nob")


@pytest.mark.parametrize(
    "leads", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil.example"]
)
def test_nobody_is_led_to_another_site(leads: str, ada: Caller) -> None:
    client = Client()
    for answer in (
        client.post("/sign-in/", {"username": "ada", "password": PASSWORD, "next": leads}),
        client.get("/sign-in/", {"next": leads}),
    ):
        assert answer.headers["Location"] == "/"


def test_cookies_are_kept_from_scripts_and_other_sites(ada: Caller) -> None:
    cookie = sign_in(PASSWORD).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert django_settings.CSRF_COOKIE_SAMESITE == "Lax"


def test_a_session_gets_another_name_when_it_becomes_somebodys(ada: Caller) -> None:
    client = Client()
    client.session.save()
    before = client.cookies["sessionid"].value
    client.post("/sign-in/", {"username": "ada", "password": PASSWORD})
    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.path)
def test_every_answer_forbids_frames_sniffing_and_caches(route: Route, world: World) -> None:
    for client in (Client(), by_session(world.ada)):
        answer = client.get(fill(route.path, world.ids | {"uidb64": "AA", "token": "x-y"}))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy or "sandbox" in policy
        assert "unsafe" not in policy
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        if route in CLOSED and answer.status_code == 200:
            assert re.search(r"no-store|no-cache", answer.headers.get("Cache-Control", ""))
        read_to_its_end(answer)


def test_a_file_is_sent_to_be_saved_not_shown(put: Put, caller: Caller) -> None:
    document = put("<script>alert(1)</script>", name='a"; filename=evil.html;\r\n.html')
    answer = by_session(caller).get(f"/api/documents/{document.id}/file/")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    told = Message()
    told["Content-Disposition"] = answer.headers["Content-Disposition"]
    assert told.get_filename() == document.name
    read_to_its_end(answer)


def read_to_its_end(answer: Any) -> None:
    """A file that is not read is a file that stays open."""
    if isinstance(answer, FileResponse):
        answer.getvalue()


SCRIPT = "<script>alert('x')</script><img src=x onerror=alert('x')>\"'><svg onload=alert('x')>"


def test_what_a_document_says_does_nothing_on_any_page(put: Put, caller: Caller) -> None:
    document = put(f"{SCRIPT} What is it? It is {SCRIPT}.", name=f"{SCRIPT.replace('/', '')}.txt")
    client = by_session(caller)
    client.post(f"/api/documents/{document.id}/ask/", {"question": f"What is it? {SCRIPT}"}, "application/json")
    ids = {"document_id": str(document.id), "number": "1"}
    for route in (r for r in CLOSED if r.is_page and set(re.findall(r"\{(\w+)\}", r.path)) <= set(ids)):
        for query in ("", f"?q={SCRIPT}&quote={SCRIPT}&page=1", f"?id={document.id}"):
            text = client.get(fill(route.path, ids) + query).content.decode()
            assert "<script>alert" not in text, route.path
            assert "<img src=x" not in text, route.path
            assert "<svg onload" not in text, route.path


def test_a_key_is_in_no_log(caller: Caller, world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = by_key(caller)
    for route in CLOSED:
        for method in ("GET", "POST"):
            read_to_its_end(call(client, route, method, world.ids))
    raw = str(client.defaults["HTTP_AUTHORIZATION"]) if "HTTP_AUTHORIZATION" in client.defaults else _sent(client)
    assert raw.startswith("Bearer qk_")
    assert raw.removeprefix("Bearer ") not in caplog.text


def _sent(client: Client) -> str:
    return client.get("/healthz").wsgi_request.headers["Authorization"]


DEEP = [
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"question": ' + "[" * 50_000 + "]" * 50_000 + "}",
    '{"question": ' + "9" * 100_000 + "}",
    '{"question": 1e999}',
    '{"question": "x", "question": "y", "__proto__": {}}',
]


@pytest.mark.parametrize("body", DEEP, ids=lambda body: body[:24])
@pytest.mark.parametrize("path", ["/api/ask/", "/api/search/", "/api/conversations/", "/api/keys/"])
def test_json_of_any_depth_is_answered(body: str, path: str, client: Client) -> None:
    assert client.post(path, body, "application/json").status_code in {400, 422}


ODD = ["", "0", "-1", "9" * 5_000, "1e9", "\x00", "\ud800", "x" * 10_000, "²"]


@pytest.mark.parametrize("route", [r for r in CLOSED if r.operations.get("GET") or r.is_page], ids=lambda r: r.path)
def test_no_query_is_a_bug_of_ours(route: Route, world: World) -> None:
    told = route.operations.get("GET", {}).get("parameters", [])
    names = [p["name"] for p in told if p["in"] == "query"] or ["page", "mark", "quote", "q", "after", "id", "new"]
    client = by_session(world.ada)
    client.raise_request_exception = False
    for name in names:
        for value in (value.encode("utf-8", "surrogatepass") for value in ODD):
            query = b"%s=%s&%s=%s-%s" % (name.encode(), _quoted(value), b"mark", _quoted(value), _quoted(value))
            answer = client.get(f"{fill(route.path, world.ids)}?{query.decode()}")
            assert answer.status_code < 500, (name, value[:40])
            read_to_its_end(answer)


def _quoted(value: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in value)


@pytest.mark.parametrize("number", ["0", "2147483648", "9223372036854775808", "9" * 30, "9" * 5_000])
def test_no_page_number_is_a_bug_of_ours(number: str, world: World) -> None:
    client = by_session(world.ada)
    client.raise_request_exception = False
    for route in (route for route in CLOSED if "{number}" in route.path):
        path = fill(route.path.replace("{number}", number), world.ids)
        assert client.get(path).status_code in {404, 422}, route.path


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00"])
def test_a_cursor_at_the_end_of_time_is_no_bug(moment: str, world: World) -> None:
    import base64

    cursor = base64.urlsafe_b64encode(f"{moment} {world.document_ids[0]}".encode()).decode().rstrip("=")
    client = by_key(world.ada)
    client.raise_request_exception = False
    for path in ("/api/documents/", "/api/tasks/", "/api/conversations/"):
        answer = client.get(path, {"cursor": cursor})
        assert answer.status_code == 422
        assert json.loads(answer.content)["code"] == "invalid_request"
