"""No address lets anybody at what is somebody else's: every route there is, by whoever should not, in every way.

The routes come from the URL configuration and the ids from the OpenAPI document: what is added is tried by itself, and
where this module does not know what a new parameter means, the test fails until it is told.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.urls import URLPattern, URLResolver, get_resolver

from quire.api.urls import api
from quire.chat.models import Conversation, Exchange
from quire.documents import ingestion, lifecycle, services
from quire.documents.models import Document, Ingestion, Page
from quire.documents.services import Upload
from quire.tenants import members
from quire.tenants import services as tenants
from quire.tenants.models import Identity, Membership, Tenant, TenantModel, User
from quire.tenants.services import Caller

SCHEMA: dict[str, Any] = api.get_openapi_schema(path_prefix="/api/")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SECRET = "The vault opens on 3 May 2031."
OPEN = {
    "healthz": "says that the process lives",
    "readyz": "says which parts answer",
    "metrics": "counts over all tenants, for Prometheus; the reverse proxy keeps it inside",
    "api_docs": "the reference, which tells of no tenant",
    "openapi-json": "the same for programs",
    "api-root": "ninja's own name of the API's root, which answers 404",
    "sign_in": "where one becomes somebody",
    "sign_in_by_link": "asks for a token in its address",
    "join": "asks for an invitation's token in its address",
    "oidc": "leads to the provider of single sign-on; 404 without one",
    "oidc_callback": "asks for what the provider was told; 404 without one",
    "sign_out": "ends the session that comes with the request",
}
"""Routes for everybody, each with its reason. Whatever is not named here must refuse those it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address, and what the OpenAPI document says of its methods."""

    name: str
    path: str
    """With `{names}`."""
    operations: dict[str, Any]

    @property
    def is_page(self) -> bool:
        return not self.path.startswith("/api/")


def routes() -> list[Route]:
    """Every address of the URL configuration."""
    told = SCHEMA["paths"]
    names = {path: name for name, path in _walk(get_resolver())}  # one address may have a pattern for each method
    found = [
        Route(name=name, path=path, operations={m.upper(): o for m, o in told.get(path, {}).items()})
        for path, name in names.items()
    ]
    assert set(told) <= {route.path for route in found}
    return found


def _walk(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield pattern.name or "", path


CLOSED = [route for route in routes() if route.name not in OPEN]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What Ada has."""

    ada: Caller
    document_ids: list[str]
    """One that is completed, and one that failed, which could be tried again."""
    ids: dict[str, str]
    """By the name that a path, a query or a body has for each."""

    def choices(self, route: Route) -> list[dict[str, str]]:
        """Ids for the route's path: with each document in turn where it is about one."""
        documents = self.document_ids if "{document_id}" in route.path else self.document_ids[:1]
        return [self.ids | {"document_id": document_id} for document_id in documents]

    def texts(self) -> list[str]:
        """What nobody else may read."""
        return [SECRET, "vault.txt", "Where is the vault?", *self.document_ids, *self.ids.values()]


@pytest.fixture
def world(caller: Caller, tmp_path: Path, settings: Any) -> World:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a good one takes half a second
    content = SECRET.encode()
    documents = [_taken_in(caller, tmp_path, content, "vault.txt"), _taken_in(caller, tmp_path, b"%PDF-1.7\n", "x.pdf")]
    completed, failed = (services.get(tenant=caller.tenant, document_id=document_id) for document_id in documents)
    assert (completed.status, failed.status) == ("completed", "failed")
    conversation: Conversation = Conversation.objects.create(tenant=caller.tenant, user=caller.user, title="The vault")
    Exchange.objects.create(tenant=caller.tenant, conversation=conversation, question="Where is the vault?", answer="?")
    key, _ = tenants.create_key(tenant=caller.tenant, user=caller.user, name="Ada's laptop")
    invitation, _ = members.invite(caller, role="member")
    ids = {
        "document_id": documents[0],
        "task_id": str(services.newest(completed).task_id),
        "conversation_id": str(conversation.id),
        "key_id": str(key.id),
        "user_id": str(caller.user.id),
        "invitation_id": str(invitation.id),
        "tenant_id": str(caller.tenant.id),
    }
    return World(ada=caller, document_ids=documents, ids=ids)


def _taken_in(caller: Caller, folder: Path, content: bytes, name: str) -> str:
    path = folder / "upload"
    path.write_bytes(content)
    upload = Upload(path=path, name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    submission = services.submit(tenant=caller.tenant, user=caller.user, upload=upload)
    ingestion.run(task_id=submission.ingestion.task_id)
    return str(submission.document.id)


Ids = dict[str, str]
OTHER_PARTS = {"number": "1"}
"""Parameters of paths that name nothing of anybody's."""


def fill(path: str, ids: Ids) -> str:
    """The path with these ids; a name that is not known to this module is a `KeyError`."""
    return re.sub(r"\{(\w+)\}", lambda found: (ids | OTHER_PARTS)[found[1]], path)


def call(client: Client, route: Route, method: str, ids: Ids) -> Any:
    """The request as somebody would send it who knows every id."""
    told = route.operations.get(method, {})
    path = fill(route.path, ids)
    content = told.get("requestBody", {}).get("content", {})
    if route.is_page or "multipart/form-data" in content:
        file = SimpleUploadedFile("mine.txt", b"Nobody asked for this.")
        data = {"file": file, "name": "mine now", "tenant_id": ids["tenant_id"]}
        return client.generic(method, path, *_multipart(client, data)) if method != "GET" else client.get(path)
    body = next(iter(bodies(told, ids)), ({}, ""))[0]
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def _multipart(client: Client, data: dict[str, Any]) -> tuple[Any, str]:
    return client._encode_data(data, MULTIPART_CONTENT), MULTIPART_CONTENT


def bodies(told: dict[str, Any], ids: Ids) -> Iterator[tuple[dict[str, Any], str]]:
    """A plain body for an operation, then one with each of its ids in turn; the second value is the id's name."""
    schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return
    fields = _resolved(schema).get("properties", {})
    plain = {name: _plain(_resolved(field)) for name, field in fields.items() if not _is_id(field)}
    yield plain, ""
    for name in (name for name, field in fields.items() if _is_id(field)):
        value = [ids["document_id"]] if name == "document_ids" else ids[name]
        yield plain | {name: value}, name


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _is_id(schema: dict[str, Any]) -> bool:
    return '"uuid"' in json.dumps(schema)


def _plain(schema: dict[str, Any]) -> Any:
    if "default" in schema:
        return schema["default"]
    return {"string": "What does it say?", "integer": 1, "boolean": False, "array": []}[schema["type"]]


def rows(of: Tenant | None = None) -> dict[str, list[dict[str, Any]]]:
    """The database as it stands; all of it, or what belongs to a tenant."""
    found = {}
    for model in apps.get_models():
        if not model.__module__.startswith("quire."):
            continue
        all_rows: QuerySet[Any] = model._default_manager.order_by("pk")
        if of and issubclass(model, TenantModel):
            all_rows = all_rows.filter(tenant=of)
        elif of and model is Page:
            all_rows = all_rows.filter(ingestion__tenant=of)
        elif of and model is Identity:
            all_rows = all_rows.filter(user__memberships__tenant=of)
        elif of and model in {Tenant, User}:
            all_rows = all_rows.filter(**{"pk": of.pk} if model is Tenant else {"memberships__tenant": of})
        elif of:
            raise AssertionError(f"tell this test how {model.__name__} belongs to a tenant")
        found[model.__name__] = list(all_rows.values())
    return found


def _suspend_user(caller: Caller) -> None:
    User.objects.filter(id=caller.user.id).update(is_active=False)


def _suspend_tenant(caller: Caller) -> None:
    Tenant.objects.filter(id=caller.tenant.id).update(suspended_at="2026-01-01T00:00Z")


def _remove_member(caller: Caller) -> None:
    Membership.objects.for_tenant(caller.tenant).filter(user=caller.user).delete()


def _revoke(caller: Caller) -> None:
    for key in caller.user.api_keys.all():
        tenants.revoke_key(tenant=caller.tenant, key_id=key.id)


def _change_password(caller: Caller) -> None:
    caller.user.set_password("another long password")
    caller.user.save()


def by_key(caller: Caller) -> Client:
    _, raw = tenants.create_key(tenant=caller.tenant, user=caller.user, name="a program")
    return Client(headers={"Authorization": f"Bearer {raw}"})


def by_session(caller: Caller) -> Client:
    browser = Client()
    browser.force_login(caller.user)
    return browser


def nothing(_: Caller) -> None:
    """Nothing happens."""


Door = Callable[[Caller], Client]
REFUSED: dict[str, tuple[Door, Callable[[Caller], None]]] = {
    "anonymous": (lambda _: Client(), nothing),
    "a key that never was": (lambda _: Client(headers={"Authorization": "Bearer qk_" + "x" * 43}), nothing),
    "a revoked key": (by_key, _revoke),
    "a suspended user's key": (by_key, _suspend_user),
    "a suspended user's session": (by_session, _suspend_user),
    "a suspended tenant's key": (by_key, _suspend_tenant),
    "a suspended tenant's session": (by_session, _suspend_tenant),
    "a removed member's key": (by_key, _remove_member),
    "a removed member's session": (by_session, _remove_member),
    "a session from before a new password": (by_session, _change_password),
    "a session that was made up": (lambda _: _with_cookie("sessionid", "x" * 32), nothing),
    "a key beside a good session": (lambda caller: _with_key(by_session(caller), "qk_wrong"), nothing),
}
"""Who is known no more: how they come, and what happened to them since."""
PAGES_KNOW_SESSIONS_ONLY = {"a key beside a good session"}


def _with_cookie(name: str, value: str) -> Client:
    client = Client()
    client.cookies[name] = value
    return client


def _with_key(client: Client, raw: str) -> Client:
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {raw}"
    return client


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
def test_who_is_nobody_here_is_let_in_nowhere(route: Route, world: World) -> None:
    for who, (door, happens) in REFUSED.items():
        if route.is_page and who in PAGES_KNOW_SESSIONS_ONLY:
            continue
        with _undone():
            client = door(world.ada)
            happens(world.ada)
            before = rows()
            for method in METHODS:
                for ids in world.choices(route):
                    answer = call(client, route, method, ids)
                    _assert_shut(route, method, answer, who)
                    _assert_tells_nothing(answer, world, but=_in_its_address(route, world))
            assert rows() == before, who


@contextmanager
def _undone() -> Iterator[None]:
    """What the block does to the database is undone after it, so that one world serves many."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _in_its_address(route: Route, world: World) -> set[str]:
    """What a redirect to the sign-in page may repeat."""
    return {*world.document_ids, *world.ids.values()} if route.is_page else set()


def _assert_shut(route: Route, method: str, answer: Any, who: str) -> None:
    if not route.is_page:
        expected = 401 if method in route.operations else 405
        assert answer.status_code == expected, f"{method} by {who}"
        assert answer.json()["code"] == ("not_authenticated" if expected == 401 else "method_not_allowed")
    elif answer.status_code == 302:
        assert answer.headers["Location"].startswith("/sign-in/?next=")
    else:
        assert answer.status_code in {403, 404, 405}, f"{method} by {who}"


def _doors(route: Route, caller: Caller) -> list[Client]:
    """The ways in that this route knows; one after the other they meet the same world."""
    return [by_session(caller)] if route.is_page else [by_key(caller), by_session(caller)]


def _body(answer: Any) -> str:
    return "" if answer.streaming else answer.content.decode()


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
def test_another_tenants_things_do_not_exist(route: Route, world: World, stranger: Caller) -> None:
    before = rows(world.ada.tenant)
    for client, method in product(_doors(route, stranger), METHODS):
        for ids in world.choices(route):
            answer = call(client, route, method, ids)
            if "_id}" in route.path and (method in route.operations or route.is_page):
                assert answer.status_code in ({404, 405} if route.is_page else {404}), method
            _assert_tells_nothing(answer, world)
        if route.is_page:  # nothing that was sent made this session Ada's tenant's
            _assert_tells_nothing(client.get("/"), world)
    assert rows(world.ada.tenant) == before


@pytest.mark.parametrize("route", [route for route in CLOSED if route.operations], ids=lambda route: route.path)
def test_an_id_of_another_tenant_in_a_body_is_not_found(route: Route, world: World, stranger: Caller) -> None:
    client, before = by_key(stranger), rows(world.ada.tenant)
    mine = _things_of(stranger, world)
    for method, told in route.operations.items():
        for body, name in bodies(told, world.ids):
            if name:
                answer = client.generic(method, fill(route.path, mine), json.dumps(body), "application/json")
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), name
                _assert_tells_nothing(answer, world, but=set(mine.values()))
    assert rows(world.ada.tenant) == before


READ_BY_PAGES = ("page", "mark", "quote", "q", "new", "status", "seen", "sort", "cursor", "shown")
IDS_READ_BY_PAGES = {"after": "document_id", "id": "document_id", "document": "document_id"}
QUERIES = {**IDS_READ_BY_PAGES, "conversation": "conversation_id"} | dict.fromkeys(READ_BY_PAGES, "")
"""Parameters that pages read from the query, and whose id each takes. What the API reads is in its schema."""


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
def test_an_id_of_another_tenant_in_the_query_finds_nothing(route: Route, world: World, stranger: Caller) -> None:
    client, mine = by_session(stranger), _things_of(stranger, world)
    told = route.operations.get("GET", {}).get("parameters", [])
    names = {p["name"] for p in told if p["in"] == "query"} if route.operations else set(QUERIES)
    for name in names:
        value = _cursor(world) if name == "cursor" else world.ids.get(QUERIES.get(name, ""), "vault")
        answer = client.get(fill(route.path, mine), {name: value})
        assert answer.status_code < 500
        _assert_tells_nothing(answer, world, but=set(mine.values()) | {value})


def _things_of(stranger: Caller, world: World) -> Ids:
    """Ids of the stranger's own for a path, with an id of Ada's nowhere in it."""
    document = Document.objects.create(tenant=stranger.tenant, uploader=stranger.user, name="e", sha256="e")
    lifecycle.enqueue(
        document=document,
        kind=Ingestion.Kind.UPLOAD,
        file={"storage_key": f"{stranger.tenant.id}/e", "sha256": "e", "bytes": 1, "media_type": "text/plain"},
    )
    conversation = Conversation.objects.create(tenant=stranger.tenant, user=stranger.user, title="Eve's")
    key, _ = tenants.create_key(tenant=stranger.tenant, user=stranger.user, name="Eve's")
    invitation, _ = members.invite(stranger, role="member")
    mine = {
        "document_id": document.id,
        "conversation_id": conversation.id,
        "key_id": key.id,
        "user_id": stranger.user.id,
        "invitation_id": invitation.id,
    }
    return {
        **{name: str(value) for name, value in mine.items()},
        "tenant_id": str(stranger.tenant.id),
        "task_id": str(services.newest(document).task_id),
    }


def _cursor(world: World) -> str:
    """A cursor that the list of documents gave Ada, or could have."""
    ada = by_key(world.ada)
    cursor: str = ada.get("/api/documents/?limit=1").json()["next"]
    assert cursor
    return cursor


def _assert_tells_nothing(answer: Any, world: World, *, but: set[str] | None = None) -> None:
    for text in set(world.texts()) - (but or set()):
        assert text not in _body(answer)


def test_what_is_open_is_still_there() -> None:
    assert set(OPEN) <= {route.name for route in routes()}


@pytest.mark.parametrize("method", METHODS)
def test_what_is_open_changes_nothing_and_tells_nothing(method: str, world: World) -> None:
    before = rows()
    for route in (route for route in routes() if route.name in OPEN):
        path = fill(route.path, {"uidb64": "AA", "token": "x-y"})
        _assert_tells_nothing(Client().generic(method, path), world)
    assert rows() == before


PERSONAL = {"conversation_id", "key_id"}
"""What belongs to a person, not to the tenant."""


@pytest.mark.parametrize(
    "route",
    [route for route in CLOSED if PERSONAL & set(re.findall(r"\{(\w+)\}", route.path))],
    ids=lambda route: route.path,
)
def test_a_colleagues_conversations_and_keys_do_not_exist(route: Route, world: World) -> None:
    bob = User.objects.create_user("bob")
    Membership.objects.create(tenant=world.ada.tenant, user=bob)
    doors = _doors(route, Caller(tenant=world.ada.tenant, user=bob))
    before = rows(world.ada.tenant)
    for client, method in product(doors, METHODS):
        answer = call(client, route, method, world.ids)
        assert answer.status_code in {404, 405}, method
    for now, then in zip(rows(world.ada.tenant).values(), before.values(), strict=True):
        assert [_without_use(row) for row in now] == [_without_use(row) for row in then]


def _without_use(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "last_used_at"}


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.path)
def test_a_session_changes_nothing_without_its_csrf_token(route: Route, world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.ada.user)
    before = rows()
    for method in METHODS[1:]:
        answer = call(browser, route, method, world.ids)
        assert answer.status_code in {403, 405}, method
    assert rows() == before


def test_an_idempotency_key_is_another_one_in_another_tenant(world: World, stranger: Caller) -> None:
    answers = [
        by_key(who).post(
            "/api/ingest/", {"file": SimpleUploadedFile("a.txt", b"The same.")}, headers={"Idempotency-Key": "1"}
        )
        for who in (world.ada, stranger)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["document"]["id"] != answers[1].json()["document"]["id"]


def test_made_up_ids_are_answered_like_those_of_others(world: World, stranger: Caller) -> None:
    client = by_key(stranger)
    made_up = dict.fromkeys(world.ids, str(uuid.uuid4()))
    for route in (route for route in CLOSED if "_id}" in route.path and not route.is_page):
        for method in route.operations:
            theirs, nobodys = (call(client, route, method, ids) for ids in (world.ids, made_up))
            assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
