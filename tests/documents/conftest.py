"""Documents without a queue: what a worker, a dispatcher and a person do is called by the tests themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from real_redis import RealRedis
from tests.stores import DatabaseKeywordIndex, DatabaseVectorStore

from quire import registry
from quire.documents import services
from quire.documents.models import Document, Ingestion
from quire.documents.services import Submission, Upload
from quire.tenants.services import Caller, create_tenant
from quire.testing.embedder import HashingEmbedder
from quire.testing.extractor import ScriptedExtractor

SENTENCES = [f"Sentence {n} speaks of topic{n} and of nothing else at all." for n in range(200)]
PAGES = [" ".join(SENTENCES[start : start + 10]) for start in range(0, 200, 10)]


@pytest.fixture
def extractor() -> ScriptedExtractor:
    return ScriptedExtractor(PAGES, title="Topics")


@pytest.fixture
def stores(db: None, extractor: ScriptedExtractor) -> Iterator[None]:
    """Real stores over a fake embedder, and a scripted extractor."""
    vectors, keywords, embedder = DatabaseVectorStore(), DatabaseKeywordIndex(), HashingEmbedder()
    vectors.prepare(dimensions=embedder.dimensions)
    keywords.prepare()
    with registry.using(vector_store=vectors, keyword_index=keywords, embedder=embedder, extractor=extractor):
        yield


@pytest.fixture
def caller(db: None) -> Caller:
    return create_tenant(name="Spice traders", username="anna")


@pytest.fixture
def submit(stores: None, caller: Caller, tmp_path: Path) -> Callable[..., Submission]:
    """Submit a text file of this content for a caller."""

    def submit(content: str = "Nutmeg grows on Banda.", *, by: Caller = caller, name: str = "banda.txt") -> Submission:
        path = tmp_path / "upload"
        path.write_text(content)
        raw = path.read_bytes()
        upload = Upload(path=path, name=name, sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw))
        return services.submit(tenant=by.tenant, user=by.user, upload=upload)

    return submit


@pytest.fixture
def replace(caller: Caller, tmp_path: Path) -> Callable[..., Submission]:
    """Submit a text file of this content in place of a document's."""

    def replace(document: Document, content: str) -> Submission:
        path = tmp_path / "replacement"
        path.write_text(content)
        raw = path.read_bytes()
        upload = Upload(path=path, name="new.txt", sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw))
        return services.replace(tenant=caller.tenant, document_id=document.id, upload=upload)

    return replace


@pytest.fixture
def broker() -> Iterator[RealRedis]:
    """A running, empty Redis, where the settings say that it is."""
    server = RealRedis()
    server.start()
    server.client.flushall()
    yield server
    server.kill()


def fresh(row: Document | Ingestion) -> Document | Ingestion:
    """The row as the database has it now."""
    return type(row).objects.get(pk=row.pk)


def task_of(submission: Submission) -> UUID:
    return submission.ingestion.task_id
