"""What a watcher is told, look by look, and when it looks."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from tests.api.conftest import Live
from tests.own_redis import OwnRedis

from quire.api.events import LOOK_BACK, DocumentWatch, TenantWatch
from quire.api.news import LOOK_EVERY_S, News
from quire.documents import events, lifecycle, services
from quire.documents.lease import Lease
from quire.documents.models import Event, Ingestion
from quire.environment import Environment
from quire.tenants.services import Caller

LOOKS = 30


def take_in(client: Client, name: str) -> dict[str, Any]:
    file = SimpleUploadedFile(name, f"The content of {name}.".encode())
    made: dict[str, Any] = client.post("/api/ingest/", {"file": file}).json()["document"]
    return made


def told(found: list[bytes]) -> list[tuple[str, str, str | None]]:
    """Name, document and its status of each event."""
    fields = [dict(line.split(": ", 1) for line in event.decode().splitlines() if line) for event in found]
    pairs = [(field["event"], json.loads(field["data"])) for field in fields]
    return [(name, data["id"], data.get("status")) for name, data in pairs]


def claim(document: dict[str, Any]) -> Lease:
    lease = lifecycle.claim(task_id=uuid.UUID(document["task_id"]), owner="a worker")
    assert lease
    return lease


def test_a_document_is_told_once_for_each_change(client: Client, caller: Caller) -> None:
    document = take_in(client, "a.txt")
    watch = DocumentWatch(caller.tenant, uuid.UUID(document["id"]))
    assert told(watch.look()) == [("document", document["id"], "processing")]
    assert watch.look() == []
    lease = claim(document)
    assert b'"queue_position":null' in watch.look()[0]
    lifecycle.complete(lease)
    assert told(watch.look()) == [("document", document["id"], "completed")]
    assert watch.is_over


def test_a_deleted_document_ends_its_stream(client: Client, caller: Caller) -> None:
    document = take_in(client, "a.txt")
    watch = DocumentWatch(caller.tenant, uuid.UUID(document["id"]))
    services.delete(tenant=caller.tenant, document_id=document["id"])
    assert told(watch.look()) == [("deleted", document["id"], None)]
    assert watch.is_over


def test_a_tenants_stream_begins_with_what_is_unfinished(client: Client, caller: Caller) -> None:
    done, waiting = take_in(client, "done.txt"), take_in(client, "waiting.txt")
    lifecycle.complete(claim(done))
    watch = TenantWatch(caller.tenant)
    assert told(watch.look()) == [("document", waiting["id"], "processing")]
    assert watch.look() == []


def test_a_tenants_stream_tells_progress_and_the_end(client: Client, caller: Caller) -> None:
    document = take_in(client, "a.txt")
    watch = TenantWatch(caller.tenant)
    watch.look()
    lease = claim(document)
    assert told(watch.look()) == [("document", document["id"], "processing")]
    with lifecycle.fenced(lease, pages_done=3, pages_total=9):
        pass
    assert told(watch.look()) == [("document", document["id"], "processing")]
    assert watch.look() == []
    lifecycle.complete(lease)
    assert told(watch.look()) == [("document", document["id"], "completed")]
    services.delete(tenant=caller.tenant, document_id=document["id"])
    assert told(watch.look()) == [("deleted", document["id"], None)]
    assert watch.look() == []


def test_what_a_look_that_broke_off_would_have_told_is_told_by_the_next(client: Client, caller: Caller) -> None:
    document = take_in(client, "a.txt")
    watch = TenantWatch(caller.tenant)
    watch.look()
    services.delete(tenant=caller.tenant, document_id=document["id"])

    def break_off(execute: Any, sql: str, *call: Any) -> Any:
        if "documents_document" in sql:
            raise OperationalError("server closed the connection")
        return execute(sql, *call)

    with connection.execute_wrapper(break_off), pytest.raises(OperationalError):
        watch.look()
    assert told(watch.look()) == [("deleted", document["id"], None)]


def test_a_tenants_stream_tells_of_a_new_name(client: Client, caller: Caller) -> None:
    document = take_in(client, "a.txt")
    lifecycle.complete(claim(document))
    watch = TenantWatch(caller.tenant)
    watch.look()
    services.rename(tenant=caller.tenant, document_id=document["id"], name="Saffron")
    (event,) = watch.look()
    assert b'"name":"Saffron"' in event
    assert watch.look() == []


def test_an_entry_that_is_committed_after_a_later_one_is_told_too(client: Client, caller: Caller) -> None:
    """PostgreSQL gives the number first: who commits late comes into the history behind others."""
    first, second = take_in(client, "first.txt"), take_in(client, "second.txt")
    watch = TenantWatch(caller.tenant)
    watch.look()
    free = 10 + Event.objects.latest("id").id
    Event.objects.create(id=free + 1, tenant=caller.tenant, document_id=second["id"], kind="noise")
    assert told(watch.look()) == [("document", second["id"], "processing")]
    Event.objects.create(id=free, tenant=caller.tenant, document_id=first["id"], kind="late")
    assert told(watch.look()) == [("document", first["id"], "processing")]
    assert watch.look() == []


def test_what_is_far_back_in_the_history_is_forgotten(client: Client, caller: Caller) -> None:
    document = take_in(client, "a.txt")
    watch = TenantWatch(caller.tenant)
    watch.look()
    far = 2 * LOOK_BACK + Event.objects.latest("id").id
    for entry in (far, far + LOOK_BACK):
        Event.objects.create(id=entry, tenant=caller.tenant, document_id=document["id"], kind="noise")
    assert len(watch.look()) == 1
    assert watch.look() == []


def test_a_tenants_stream_tells_nothing_of_another(client: Client, stranger: Caller) -> None:
    watch = TenantWatch(stranger.tenant)
    document = take_in(client, "a.txt")
    assert watch.look() == []
    claim(document)
    assert watch.look() == []


@pytest.mark.django_db
def test_the_history_of_a_quiet_tenant_is_found_by_an_index_of_its_own() -> None:
    """Without one PostgreSQL reads the history of all backwards, every two seconds for each stream."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Event._meta.db_table)
    assert ["tenant_id", "id"] in [each["columns"] for each in found.values() if each["index"]]


def waited(tenant_id: uuid.UUID, then: Any = lambda: None) -> float:
    """Seconds until the second news; `then` is called after the first."""

    async def wait_twice() -> float:
        async with News(tenant_id) as news:
            await news.wait()
            began = time.monotonic()
            await asyncio.to_thread(then)
            await news.wait()
            return time.monotonic() - began

    return asyncio.run(wait_twice())


def test_without_redis_a_watcher_looks_every_two_seconds() -> None:
    assert LOOK_EVERY_S * 0.9 < waited(uuid.uuid4()) < LOOK_EVERY_S * 1.5


def test_with_redis_news_comes_at_once(live: Live, settings: Any) -> None:
    env = Environment.model_validate({"QUIRE_DATA_DIR": live.data_dir})
    settings.ENV = env
    tenant_id = uuid.uuid4()

    def publish() -> None:
        with redis.Redis.from_url(env.redis(0)) as client:
            client.publish(events.channel(tenant_id), "something changed")

    assert waited(tenant_id, publish) < LOOK_EVERY_S / 2


def test_a_watcher_looks_on_while_redis_restarts_and_hears_news_again_after_it(tmp_path: Path, settings: Any) -> None:
    tenant_id = uuid.uuid4()

    async def heard_after_restart(server: OwnRedis) -> int:
        async with News(tenant_id) as news:
            assert _told_of(server, tenant_id) == 1
            await asyncio.to_thread(server.stop)
            await news.wait()
            await asyncio.to_thread(server.start)
            for _ in range(LOOKS):
                await news.wait()
                if heard := _told_of(server, tenant_id):
                    return heard
            return 0

    with OwnRedis(tmp_path) as server:
        settings.ENV = Environment.model_validate({"QUIRE_DATA_DIR": tmp_path, "REDIS_URL": server.url})
        assert asyncio.run(heard_after_restart(server)) == 1


def _told_of(server: OwnRedis, tenant_id: uuid.UUID) -> int:
    """How many hear of something that changed in the tenant."""
    with server.client() as client:
        return int(client.publish(events.channel(tenant_id), "something changed"))


@pytest.mark.django_db
def test_a_queue_of_many_is_not_told_again_when_one_of_it_begins(client: Client, caller: Caller) -> None:
    first, *_ = [take_in(client, f"{n}.txt") for n in range(5)]
    watch = TenantWatch(caller.tenant)
    assert len(watch.look()) == 5
    claim(first)
    assert [document_id for _, document_id, _ in told(watch.look())] == [first["id"]]
    assert Ingestion.objects.filter(status="queued").count() == 4
