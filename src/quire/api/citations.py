"""Citations for clients, with the boxes of their quotes."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from quire.api.boxes import boxes
from quire.api.schemas import BoxOut, CitationOut
from quire.core.types import Citation
from quire.documents.models import Page
from quire.documents.workspace import page_of
from quire.tenants.models import Tenant


def citations_of(tenant: Tenant, citations: Iterable[Citation]) -> list[CitationOut]:
    """As they were kept, with the boxes of what is there."""
    return [_citation(tenant, citation) for citation in citations]


def _citation(tenant: Tenant, citation: Citation) -> CitationOut:
    return CitationOut(
        number=citation.number,
        document_id=UUID(citation.document_id),
        document_name=citation.document_name,
        page=citation.page,
        quote=citation.quote,
        boxes=_boxes(tenant, citation) if citation.verified else [],
        chunk_id=UUID(citation.chunk_id),
        verified=citation.verified,
    )


def _boxes(tenant: Tenant, citation: Citation) -> list[BoxOut]:
    pages = Page.objects.filter(
        ingestion__tenant=tenant, ingestion__active_for=UUID(citation.document_id), number=citation.page
    )
    row = pages.exclude(words=[]).first()
    return boxes(page_of(row), start=citation.start, end=citation.end) if row else []
