"""A provider that says "too many requests" makes a document wait, and costs it nothing: shown by real processes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.chaos.service import Service

from quire.testing.model_server import serving
from quire.testing.openai_server import Manners, OpenAIServer, over_quota

MODEL, DIMENSIONS = "small", 32
RETRY_AFTER_S = 4


@pytest.fixture
def provider() -> Iterator[OpenAIServer]:
    with serving(OpenAIServer(manners=Manners(models={MODEL: DIMENSIONS}, chat_models=frozenset()))) as server:
        yield server


@pytest.fixture
def quire(provider: OpenAIServer) -> Iterator[Service]:
    """All of Quire, with one worker, that embeds at the provider."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "quire.settings",
        "QUIRE_EMBEDDER": "openai",
        "OPENAI_BASE_URL": provider.base_url,
        "QUIRE_EMBEDDING_MODEL": MODEL,
        "QUIRE_EMBEDDING_DIMENSIONS": str(DIMENSIONS),
        "QUIRE_WORKER_CONCURRENCY": "1",
    }
    with tempfile.TemporaryDirectory(prefix="quire-waits-", ignore_cleanup_errors=True) as name:  # short, for sockets
        service = Service(folder=Path(name), settings=settings)
        try:
            service.prepare()
            service.start_all()
            yield service
        finally:
            service.stop()


def test_a_429_during_embedding_makes_the_document_wait_and_burns_no_attempt(
    quire: Service, provider: OpenAIServer
) -> None:
    provider.fail_next(over_quota(headers={"Retry-After": str(RETRY_AFTER_S)}))
    with quire.http() as client:
        answer = client.post("/api/ingest/", files={"file": ("banda.txt", b"Nutmeg grows on Banda.")})
        path = f"/api/documents/{answer.json()['document']['id']}/"

        def document() -> dict[str, Any]:
            found: dict[str, Any] = client.get(path).json()
            return found

        quire.wait(lambda: document()["waiting_for"], "it does not wait")
        waiting = document()
        quire.wait(lambda: document()["status"] != "processing", "it is not processed")
        completed = document()
    assert waiting["status"] == "processing"
    assert "quota" in waiting["waiting_for"]
    assert waiting["retry_at"]
    assert (completed["status"], completed["error"]) == ("completed", None)
    assert waiting["attempts"] == completed["attempts"] == _attempts_of_who_never_waited(quire)
    assert _waits(quire) == [RETRY_AFTER_S]


def _attempts_of_who_never_waited(quire: Service) -> int:
    with quire.http() as client:
        answer = client.post("/api/ingest/", files={"file": ("ceram.txt", b"Cloves grow on Ceram.")})
        path = f"/api/documents/{answer.json()['document']['id']}/"
        quire.wait(lambda: client.get(path).json()["status"] == "completed", "it is not processed")
        return int(client.get(path).json()["attempts"])


def _waits(quire: Service) -> list[float]:
    """How long documents were put back for, in seconds, by their history."""
    rows = quire.rows("SELECT data FROM documents_event WHERE kind = 'put_back' ORDER BY id")
    return [json.loads(row["data"])["delay_s"] for row in rows]
