"""A service whose embedder, language model and vector store are somebody else's: from an upload to a cited answer."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Up, free_port, wait_until

from quire.testing import gemini_server, model_server, pinecone_server
from quire.testing.gemini_server import GeminiServer
from quire.testing.pinecone_server import Fault, PineconeServer

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTION = "Black pepper is the unripe berry of which climbing vine?"
DELAY_S = 1.0
"""As usual at Pinecone: between an upsert and the query that sees it."""


@pytest.fixture(scope="module")
def gemini() -> Iterator[GeminiServer]:
    with model_server.serving(GeminiServer()) as server:
        yield server


@pytest.fixture(scope="module")
def pinecone() -> Iterator[PineconeServer]:
    with pinecone_server.serving() as server:
        yield server


@pytest.fixture(scope="module")
def service(folder: Path, gemini: GeminiServer, pinecone: PineconeServer) -> Iterator[Up]:
    """Web, worker and dispatcher, in processes of their own, on an index that their start created."""
    settings = {
        "QUIRE_EMBEDDER": "gemini",
        "QUIRE_EMBEDDING_DIMENSIONS": "768",
        "QUIRE_CHAT_MODEL": "gemini",
        "QUIRE_CHAT_MODEL_NAME": sorted(gemini_server.CHAT_MODELS)[0],
        "GEMINI_API_KEY": gemini.api_key,
        "GOOGLE_GEMINI_BASE_URL": gemini.url,
        "QUIRE_VECTOR_STORE": "pinecone",
        "QUIRE_PINECONE_INDEX": "books",
        "QUIRE_PINECONE_CREATE": "aws/us-east-1",
        "PINECONE_API_KEY": pinecone.api_key,
        "PINECONE_CONTROLLER_HOST": pinecone.url,
    }
    service = Up(folder=folder, port=free_port(), settings=settings)
    service.start()
    pinecone.index.visible_after_s = DELAY_S
    yield service
    service.stop(signal.SIGTERM)


def document(service: Up, name: str) -> dict[str, Any]:
    documents = json.loads(service.quire("status", "--json").stdout)
    return next(document for document in documents if document["name"] == name)


def namespaces(pinecone: PineconeServer) -> dict[str, Any]:
    with pinecone.lock:
        answer, _ = pinecone.index.describe_index_stats({})
    counts: dict[str, Any] = answer["namespaces"]
    return counts


def runs(pinecone: PineconeServer) -> set[str]:
    """The ingestions whose vectors can be found."""
    return {key.partition("#")[0] for name in namespaces(pinecone) for key in pinecone.ids(name)}


def test_an_upload_is_embedded_kept_found_and_answered_with_a_citation(
    service: Up, gemini: GeminiServer, pinecone: PineconeServer
) -> None:
    """And a store that is busy on the way only makes it wait."""
    pinecone.fail_next(Fault(path="/vectors/upsert", status=429, headers={"Retry-After": "1"}))
    assert service.quire("ingest", str(EXAMPLES / "spice.pdf")).returncode == 0
    kept = document(service, "spice.pdf")
    assert (kept["status"], kept["attempts"]) == ("completed", 0)
    assert [(name, held["vectorCount"]) for name, held in namespaces(pinecone).items()] != []
    assert sum(held["vectorCount"] for held in namespaces(pinecone).values()) == kept["chunks"]
    assert 429 in [call.status for call in pinecone.calls("/vectors/upsert")]
    answer = json.loads(service.quire("ask", QUESTION, "--json").stdout)
    assert answer["grounded"] is True
    assert "Malabar coast" in answer["answer"]
    (citation, *_) = answer["citations"]
    assert (citation["document_name"], citation["verified"]) == ("spice.pdf", True)
    assert answer["model"].startswith("gemini")
    asked = [call.path for call in gemini.calls]
    assert any("batchEmbedContents" in path for path in asked)
    assert any("streamGenerateContent" in path for path in asked)


def test_its_doctor_and_its_readiness_reach_what_is_outside(service: Up, pinecone: PineconeServer) -> None:
    results = json.loads(service.quire("doctor", "--json", **service.settings).stdout)
    states = {result["part"]: result["state"] for result in results if result["part"] != "setting"}
    assert {states[part] for part in ("vector store", "embedder", "chat model")} == {"ok"}
    shown = json.dumps(results)
    assert pinecone.api_key not in shown


def test_a_deleted_document_leaves_nothing_there(service: Up, pinecone: PineconeServer, tmp_path: Path) -> None:
    note = tmp_path / "to delete.txt"
    note.write_text("The warehouse of the cardamom estate closes at five.")
    before = runs(pinecone)
    assert service.quire("ingest", str(note)).returncode == 0
    wait_until(lambda: len(runs(pinecone)) == len(before) + 1)
    assert service.quire("delete", document(service, note.name)["id"]).returncode == 0
    wait_until(lambda: runs(pinecone) == before)


def test_all_that_a_provider_made_fail_is_tried_again_at_once(
    service: Up, gemini: GeminiServer, tmp_path: Path
) -> None:
    spent = gemini_server.over_quota(quota="EmbedContentRequestsPerDayPerProjectPerModel")
    gemini.fail_next(spent, spent)
    for name in ("mace.txt", "sumac.txt"):
        (tmp_path / name).write_text(f"What is told here of {name} is told nowhere else.")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    assert service.quire("ingest", str(tmp_path)).returncode == 1
    again = service.quire("retry", "--all")
    assert (again.returncode, again.stdout.count("again")) == (0, 2), "the broken one would fail again"
    for name in ("mace.txt", "sumac.txt"):
        wait_until(lambda name=name: document(service, name)["status"] == "completed", limit_s=60)


def test_while_the_store_is_away_a_question_is_answered_by_words(service: Up, pinecone: PineconeServer) -> None:
    pinecone.fail_next(Fault(path="/query", status=503), times=3)
    answer = json.loads(service.quire("ask", QUESTION, "--json").stdout)
    pinecone.faults.clear()
    assert "Malabar coast" in answer["answer"], answer
    assert [citation["document_name"] for citation in answer["citations"]][:1] == ["spice.pdf"]


def test_no_key_stands_in_what_the_service_says(service: Up, gemini: GeminiServer, pinecone: PineconeServer) -> None:
    logs = [service.said, *(path.read_text() for path in (service.folder / "logs").glob("*") if path.is_file())]
    assert any("quire" in log for log in logs)
    assert not any(key in log for log in logs for key in (pinecone.api_key, gemini.api_key))
