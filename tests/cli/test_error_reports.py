"""What Sentry hears of a running service: each document that failed for good, once, and nothing of what it says."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Up, free_port

from quire.testing.sentry_server import SentryServer, serving

SECRET = "Zanzibarclovesecret"


@pytest.fixture(scope="module")
def sentry() -> Iterator[SentryServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def reported(folder: Path, sentry: SentryServer) -> Iterator[Up]:
    service = Up(folder=folder, port=free_port(), settings={"SENTRY_DSN": sentry.dsn, "SENTRY_ENVIRONMENT": "test"})
    service.start()
    yield service
    service.stop(signal.SIGTERM)


def failed(service: Up, path: Path) -> dict[str, object]:
    """The document of this file, once it has failed."""
    service.quire("ingest", str(path))
    documents = json.loads(service.quire("status", "--json").stdout)
    return next(document for document in documents if document["name"] == path.name)


def test_each_document_that_fails_for_good_is_one_event_with_ids_and_nothing_it_says(
    reported: Up, sentry: SentryServer, tmp_path: Path
) -> None:
    broken, empty = tmp_path / f"{SECRET}.pdf", tmp_path / "empty.txt"
    broken.write_bytes(f"%PDF-1.7\n{SECRET}\n".encode())
    empty.write_bytes(b" \n \n ")
    documents = [failed(reported, broken), failed(reported, empty)]
    assert [document["status"] for document in documents] == ["failed", "failed"]
    events = {event["tags"]["document_id"]: event for event in sentry.wait_for(2)}
    for document in documents:
        event = events.pop(document["id"])
        assert event["tags"]["task_id"] == document["task_id"]
        assert event["tags"]["error_code"] == document["error"]["code"]
        assert event["tags"]["error_class"] == "PermanentError"
        assert event["environment"] == "test"
    assert not events
    assert not any(SECRET.encode() in body for body in sentry.bodies)
    assert len(sentry.deliveries) == 2
