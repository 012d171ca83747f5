"""Finds the chunks that fit a question: by meaning and by words, fused, and only what the asker may see now."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from quire import registry
from quire.core.errors import PermanentError, QuireError, TransientError
from quire.core.retrieval import fuse, overview_ordinals
from quire.core.types import Hit, Span, Vectors
from quire.documents import services
from quire.documents.connections import release_connections
from quire.documents.models import Chunk, Document
from quire.documents.services import NotFoundError, RefusedError
from quire.tenants.models import Tenant

log = logging.getLogger(__name__)

DEPTH = 40
"""Candidates asked of each search at first; four times as many each time too few of them were visible."""
MAX_DEPTH = 10_000
IDS_PER_QUERY = 500
"""Bound values in one statement: SQLite allows about a thousand."""
MAX_QUERY_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChunk:
    """A chunk that a search may show. `score` is the cosine, 0 when only its words were found; it is not the order."""

    chunk_id: UUID
    document_id: UUID
    document_name: str
    page: int
    text: str
    score: float
    ordinal: int
    spans: tuple[Span, ...]
    heading_path: tuple[str, ...]

    @property
    def pages(self) -> list[int]:
        """Every page that it has text of, in order; `page` is the first."""
        return list(dict.fromkeys(span.page for span in self.spans))


def search(
    *,
    tenant: Tenant,
    query: str,
    document_ids: Sequence[UUID] | None = None,
    limit: int = 8,
    by_words_alone: bool = False,
) -> list[FoundChunk]:
    """The `limit` best chunks of these documents, or of all of the tenant's; fewer only where fewer are visible.

    `by_words_alone` asks neither embedder nor vector store. Raises `NotFoundError` for a document that is not the
    tenant's, `RefusedError` for an empty or over-long query.
    """
    check_question(query)
    check_scope(tenant=tenant, document_ids=document_ids)
    vector = None if by_words_alone else _embedded(query)
    depth = max(DEPTH, 2 * limit)
    while True:
        vectors, keywords = _candidates(tenant, query, vector, document_ids, depth)
        found = _visible(tenant, fuse(vectors, keywords), document_ids, limit)
        is_exhausted = len(vectors) < depth and len(keywords) < depth
        if len(found) >= limit or is_exhausted or depth >= MAX_DEPTH:
            return found
        depth = min(4 * depth, MAX_DEPTH)


def search_anyhow(
    *, tenant: Tenant, query: str, document_ids: Sequence[UUID] | None, limit: int
) -> tuple[list[FoundChunk], QuireError | None]:
    """As `search`; by words alone where embedder or vector store fail, with what failed."""
    try:
        return search(tenant=tenant, query=query, document_ids=document_ids, limit=limit), None
    except (TransientError, PermanentError) as error:
        if error.code == "database_unavailable":
            raise
        log.warning("Search by meaning failed: %s: %s", error.code, error.message)
        found = search(tenant=tenant, query=query, document_ids=document_ids, limit=limit, by_words_alone=True)
        return found, error


def opening(*, tenant: Tenant, document_ids: Sequence[UUID] | None, limit: int) -> list[FoundChunk]:
    """What documents begin with, and samples of their course: for questions about a document as a whole."""
    documents = services.living(tenant=tenant).exclude(active_ingestion=None).order_by("-created_at")
    if document_ids is not None:
        documents = documents.filter(id__in=document_ids)
    chosen = list(documents[:limit])
    share = max(1, limit // max(1, len(chosen)))
    return [found for document in chosen for found in _samples(tenant, document, share)]


def check_question(question: str) -> None:
    """Raise `RefusedError` for an empty or over-long one."""
    if not question.strip():
        raise RefusedError("Ask something: the question is empty.", code="question_empty", status=400)
    if len(question) > MAX_QUERY_CHARACTERS:
        message = f"The question is too long. Shorten it to {MAX_QUERY_CHARACTERS:,} characters."
        raise RefusedError(message, code="question_too_long", status=400)


def check_scope(*, tenant: Tenant, document_ids: Sequence[UUID] | None) -> None:
    """Raise `NotFoundError` unless all are the tenant's, and `RefusedError` when one needs to be indexed again."""
    if document_ids is None:
        return
    documents = services.living(tenant=tenant).filter(id__in=document_ids).select_related("active_ingestion")
    if documents.count() != len(set(document_ids)):
        raise NotFoundError
    for document in documents:
        active = document.active_ingestion
        if active and active.embedder_id != registry.embedder().id:
            message = f"“{document.name}” was indexed with another embedding model. Run `quire reindex`."
            raise RefusedError(message, code="reindex_needed", status=409)


def _embedded(query: str) -> Vectors:
    """The embedder may be somebody else's service, and take its time."""
    release_connections()
    return registry.embedder().embed_query(query)


def _candidates(
    tenant: Tenant, query: str, vector: Vectors | None, document_ids: Sequence[UUID] | None, depth: int
) -> tuple[list[Hit], list[Hit]]:
    namespace = str(tenant.id)
    upload_ids = None if document_ids is None else [str(document_id) for document_id in document_ids]
    by_meaning: list[Hit] = []
    if vector is not None:
        release_connections()  # first, and without one: the store may be somebody else's, and hang
        by_meaning = registry.vector_store().query(namespace, vector, limit=depth, upload_ids=upload_ids)
    return by_meaning, registry.keyword_index().query(namespace, query, limit=depth, upload_ids=upload_ids)


def _visible(tenant: Tenant, fused: list[Hit], document_ids: Sequence[UUID] | None, limit: int) -> list[FoundChunk]:
    """The first `limit` of the fused hits that the database says may be shown: the one judge of visibility."""
    found: list[FoundChunk] = []
    for start in range(0, len(fused), IDS_PER_QUERY):
        part = fused[start : start + IDS_PER_QUERY]
        chunks = Chunk.objects.for_tenant(tenant).visible().filter(id__in=[hit.id for hit in part])
        chunks = chunks.filter(ingestion__embedder_id=registry.embedder().id)
        if document_ids is not None:
            chunks = chunks.filter(ingestion__document__in=document_ids)
        rows = {str(chunk.id): chunk for chunk in chunks.select_related("ingestion__document")}
        found += [_found(rows[hit.id], score=hit.score) for hit in part if hit.id in rows]
        if len(found) >= limit:
            break
    return found[:limit]


def _samples(tenant: Tenant, document: Document, count: int) -> list[FoundChunk]:
    """The first chunks of a document, then some at even distances."""
    chunks = Chunk.objects.for_tenant(tenant).visible().filter(ingestion__document=document)
    ordinals = overview_ordinals(chunks.count(), limit=count)
    rows = chunks.filter(ordinal__in=ordinals).select_related("ingestion__document").order_by("ordinal")
    return [_found(row, score=0.0) for row in rows]


def _found(chunk: Chunk, *, score: float) -> FoundChunk:
    spans = tuple(Span(*span) for span in chunk.spans)
    document = chunk.ingestion.document
    return FoundChunk(
        chunk_id=chunk.id,
        document_id=document.id,
        document_name=document.name,
        page=spans[0].page,
        text=chunk.text,
        score=round(score, 4),
        ordinal=chunk.ordinal,
        spans=spans,
        heading_path=tuple(chunk.heading_path),
    )
