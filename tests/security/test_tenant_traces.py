"""What is kept outside the rows carries the tenant too: files, vectors, keywords, channels, tasks, streams."""

from __future__ import annotations

import ast
import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from tests.security.test_every_route import _remove_member, _revoke, _suspend_tenant, _suspend_user
from tests.stores import DatabaseKeywordIndex, DatabaseVectorStore
from tests.web.conftest import put as put

import quire
from quire import registry
from quire.api import events as api_events
from quire.api import news
from quire.api.events import DocumentWatch, TenantWatch
from quire.chat import services as chat
from quire.documents import collector, events, ingestion, services
from quire.documents.models import Chunk, Document, Ingestion
from quire.documents.services import NotFoundError
from quire.tenants import services as tenants
from quire.tenants.services import Caller, create_key

Put = Callable[..., Document]


class Recorder:
    """Stands before a store and notes the namespace of every call."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.namespaces: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in {"prepare", "is_transactional"} or not callable(found):
            return found

        def noted(namespace: str, *args: Any, **options: Any) -> Any:
            self.namespaces.append(namespace)
            return found(namespace, *args, **options)

        return noted


@pytest.fixture
def stores(db: None) -> Iterator[list[Recorder]]:
    recorders = [Recorder(DatabaseVectorStore()), Recorder(DatabaseKeywordIndex())]
    with registry.using(vector_store=recorders[0], keyword_index=recorders[1]):
        registry.prepare_stores()
        yield recorders


def test_every_call_to_a_store_names_the_tenants_namespace(stores: list[Recorder], put: Put, caller: Caller) -> None:
    document = put("Saffron is red.")
    chat.search(tenant=caller.tenant, query="saffron")
    list(chat.ask(caller=caller, question="What colour is saffron?"))
    ingestion.run(task_id=services.reindex(tenant=caller.tenant, document_id=document.id).ingestion.task_id)
    services.delete(tenant=caller.tenant, document_id=document.id)
    collector.collect()
    for store in stores:
        assert len(store.namespaces) > 4
        assert set(store.namespaces) == {str(caller.tenant.id)}


def test_another_namespace_holds_nothing_even_for_who_knows_the_id(put: Put, caller: Caller, stranger: Caller) -> None:
    document = put("Saffron is red.")
    vector, theirs = registry.embedder().embed_query("saffron red"), str(stranger.tenant.id)
    assert registry.vector_store().query(str(caller.tenant.id), vector, limit=5)
    for upload_ids in (None, [str(document.id)]):
        assert not registry.vector_store().query(theirs, vector, limit=5, upload_ids=upload_ids)
        assert not registry.keyword_index().query(theirs, "saffron", limit=5, upload_ids=upload_ids)


def test_a_store_that_answers_with_anothers_chunks_is_not_believed(put: Put, caller: Caller, stranger: Caller) -> None:
    put("Saffron is red.")
    put("Nutmeg is brown.", owner=stranger)

    class Leaky(DatabaseVectorStore):
        def query(self, namespace: str, *args: Any, **options: Any) -> Any:
            return super().query(str(caller.tenant.id), *args, **options)

    with registry.using(vector_store=Leaky()):
        found = chat.search(tenant=stranger.tenant, query="saffron")
    assert [chunk.text for chunk in found] in ([], ["Nutmeg is brown."])


def test_a_file_lies_under_its_tenant(put: Put, caller: Caller, stranger: Caller) -> None:
    for owner in (caller, stranger):
        document = put("The same words.", owner=owner)
        key = services.newest(document).storage_key
        assert key.startswith(f"{owner.tenant.id}/")
        assert default_storage.exists(key)


def test_a_channel_is_one_tenants(caller: Caller, stranger: Caller) -> None:
    assert str(caller.tenant.id) in events.channel(caller.tenant.id)
    assert events.channel(caller.tenant.id) != events.channel(stranger.tenant.id)


def test_a_stream_shows_nothing_of_another_tenant(put: Put, caller: Caller, stranger: Caller) -> None:
    mine, theirs = TenantWatch(caller.tenant), TenantWatch(stranger.tenant)
    assert (mine.look(), theirs.look()) == ([], [])
    document = put("Saffron is red.")
    services.rename(tenant=caller.tenant, document_id=document.id, name="b")
    assert theirs.look() == []
    assert mine.look()
    services.delete(tenant=caller.tenant, document_id=document.id)
    assert theirs.look() == []


def test_a_stream_of_another_tenants_document_is_that_of_none(put: Put, caller: Caller, stranger: Caller) -> None:
    watch = DocumentWatch(stranger.tenant, put("Saffron is red.").id)
    assert b"saffron" not in b"".join(watch.look()).lower()
    assert watch.is_over


@pytest.mark.django_db(transaction=True)
def test_a_stream_ends_when_its_key_is_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_events, "JUDGE_EVERY_S", 0.0)
    monkeypatch.setattr(news, "LOOK_EVERY_S", 0.01)
    ada = tenants.create_tenant(name="Acme", username="ada")
    key, raw = tenants.create_key(tenant=ada.tenant, user=ada.user, name="k")
    caller = tenants.caller_of_key(raw)
    assert caller

    class Revokes(TenantWatch):
        def look(self) -> list[bytes]:
            tenants.revoke_key(tenant=ada.tenant, key_id=key.id)
            return [b"seen"]

    async def told() -> list[bytes]:
        return [event async for event in api_events.follow(caller, Revokes(ada.tenant))]

    assert asyncio.run(told()) == [b"seen"]


@pytest.mark.parametrize("happens", [_suspend_user, _suspend_tenant, _remove_member, _revoke])
def test_who_was_let_in_is_judged_anew(happens: Callable[[Caller], None], caller: Caller, api_key: str) -> None:
    let_in = tenants.caller_of_key(api_key)
    assert let_in
    assert tenants.still_may(let_in)
    happens(caller)
    assert not tenants.still_may(let_in)


def test_a_task_runs_for_the_tenant_of_its_row_whatever_the_message_says(
    put: Put, caller: Caller, stranger: Caller
) -> None:
    document = put("Saffron is red.", is_worked_on=False)
    ingestion.run(task_id=services.newest(document).task_id)  # a message carries an id, and nothing that is believed
    chunk = Chunk.objects.get(ingestion__document=document)
    assert chunk.tenant_id == caller.tenant.id
    assert not Chunk.objects.for_tenant(stranger.tenant).exists()


@pytest.mark.parametrize(
    "asked", [services.get, services.retry, services.delete, services.reindex, services.original, services.rename]
)
def test_a_service_finds_nothing_of_another_tenant(
    asked: Callable[..., Any], put: Put, caller: Caller, stranger: Caller
) -> None:
    document = put("Saffron is red.")
    more = {"name": "mine"} if asked is services.rename else {}
    with pytest.raises(NotFoundError):
        asked(tenant=stranger.tenant, document_id=document.id, **more)
    document.refresh_from_db()
    assert (document.name, document.status) == ("notes.txt", "completed")


def test_every_child_row_has_the_tenant_of_its_document(put: Put, caller: Caller, stranger: Caller) -> None:
    for owner in (caller, stranger):
        document = put("Saffron is red.", owner=owner)
        assert {run.tenant_id for run in Ingestion.objects.filter(document=document)} == {owner.tenant.id}
        assert {chunk.tenant_id for chunk in Chunk.objects.filter(ingestion__document=document)} == {owner.tenant.id}


def test_a_key_names_its_tenant_itself(caller: Caller, stranger: Caller) -> None:
    """Nothing in a request chooses the tenant: no header and no parameter."""
    _, raw = create_key(tenant=caller.tenant, user=caller.user, name="k")
    headers = {"Authorization": f"Bearer {raw}", "X-Tenant": str(stranger.tenant.id)}
    answer = Client(headers=headers).post(
        f"/api/conversations/?tenant={stranger.tenant.id}", {"title": "t"}, "application/json"
    )
    assert answer.status_code == 201
    assert chat.get_conversation(caller=caller, conversation_id=uuid.UUID(answer.json()["id"]))


SOURCE = Path(quire.__file__).parent
DOORS = ("api", "chat", "web", "cli")
"""Whoever is asked from outside. `ops` serves the operator, over all tenants; `documents` works below its services."""
AS_RELATED = {"tenant", "tenant_id", "ingestion__tenant"}
NOT_BY_TENANT = {
    ("api/idempotency.py", "IdempotencyKey.objects.filter(id=row.id)"): "a row that `for_tenant` has just given",
    ("web/views/sign_in.py", "User.objects"): "people are of no tenant; a signed token names this one",
}
"""Queries that do not begin at a tenant, and why each may."""


def queries() -> Iterator[tuple[str, str]]:
    """File and source of every query in the doors that begins elsewhere than at a tenant."""
    for door in DOORS:
        for path in sorted((SOURCE / door).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if _is_query(node) and not _begins_at_a_tenant(node):
                    yield path.relative_to(SOURCE).as_posix(), ast.unparse(node)


def _is_query(node: ast.AST) -> TypeGuard[ast.Call]:
    """A call of a method of a model's manager."""
    method = node.func if isinstance(node, ast.Call) else None
    manager = method.value if isinstance(method, ast.Attribute) else None
    return isinstance(manager, ast.Attribute) and manager.attr in {"objects", "_default_manager", "_base_manager"}


def _begins_at_a_tenant(call: ast.Call) -> bool:
    is_for_tenant = isinstance(call.func, ast.Attribute) and call.func.attr == "for_tenant"
    return is_for_tenant or bool(AS_RELATED & {keyword.arg for keyword in call.keywords})


def test_a_query_at_a_door_begins_at_its_tenant() -> None:
    used = set()
    for file, query in queries():
        excuse = next((key for key in NOT_BY_TENANT if key[0] == file and query.startswith(key[1])), None)
        assert excuse, f"{file}: {query} begins at no tenant"
        used.add(excuse)
    assert used == set(NOT_BY_TENANT)


def test_no_cache_and_no_raw_sql_goes_past_the_tenant_at_a_door() -> None:
    for door in DOORS:
        for path in (SOURCE / door).rglob("*.py"):
            text = path.read_text()
            assert "django.core.cache" not in text, path
            assert ".raw(" not in text, path
            assert "connection.cursor" not in text, path
