"""Health and metrics say how things stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from quire.core.errors import RateLimited
from quire.documents import lifecycle
from quire.documents.lifecycle import in_s
from quire.documents.models import Ingestion


def test_a_living_process_says_so(db: None) -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_uploads_are_safe_without_broker_and_workers(db: None) -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    parts = answer.json()["parts"]
    assert (parts["database"], parts["storage"], parts["vector_store"]) == ("ok", "ok", "ok")
    assert (parts["broker"], parts["workers"]) == ("unavailable", "unavailable")


def test_uploads_are_not_safe_when_storage_takes_nothing(db: None, settings: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "a file where the folder should be"
    blocked.write_text("")
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": {"location": blocked}}}
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["storage"] == "unavailable"


def figure(name: str) -> float:
    lines = Client().get("/metrics").content.decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


@pytest.mark.parametrize("name", ['quire_documents{status="processing"}', 'quire_ingestions{status="queued"}'])
def test_documents_and_runs_are_counted_by_status(client: Client, name: str) -> None:
    assert figure(name) == 0
    client.post("/api/ingest/", {"file": SimpleUploadedFile("a.txt", b"Some words.")})
    assert figure(name) == 1


def test_the_age_of_the_oldest_due_run_is_told(client: Client) -> None:
    assert figure("quire_oldest_due_age_seconds") == 0
    client.post("/api/ingest/", {"file": SimpleUploadedFile("a.txt", b"Some words.")})
    Ingestion.objects.update(queued_at=in_s(-90))
    assert 89 < figure("quire_oldest_due_age_seconds") < 120


@pytest.mark.parametrize("how", ["handed back", "taken back", "told to wait"])
def test_a_run_that_was_worked_on_has_been_due_since_it_came_back(client: Client, how: str) -> None:
    client.post("/api/ingest/", {"file": SimpleUploadedFile("a.txt", b"Some words.")})
    run = Ingestion.objects.get()
    lease = lifecycle.claim(task_id=run.task_id, owner="worker")
    assert lease is not None
    Ingestion.objects.update(created_at=in_s(-9000), queued_at=in_s(-9000), started_at=in_s(-9000))
    if how == "handed back":
        lifecycle.release(lease)
    elif how == "taken back":
        Ingestion.objects.update(lease_expires_at=in_s(-1))
        assert lifecycle.sweep() == 1
    else:
        lifecycle.put_back(lease, RateLimited("Slower.", retry_after_s=3600))
        assert figure("quire_oldest_due_age_seconds") == 0
        Ingestion.objects.update(next_attempt_at=in_s(-1))
    assert figure("quire_oldest_due_age_seconds") < 120
