"""Citations for clients, with the boxes of their quotes."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from quire.api.schemas import BoxOut, CitationOut
from quire.core.types import Box, Citation
from quire.documents import page_views
from quire.documents.models import Page
from quire.documents.workspace import page_of
from quire.tenants.models import Tenant


def address_of(document_id: UUID | str, *, page: int, mark: tuple[int, int] | None) -> str:
    """The page for people that shows these words marked: a path, a query and a fragment."""
    query: dict[str, int | str] = {"page": page}
    if mark:
        query["mark"] = f"{mark[0]}-{mark[1]}"
    return f"{reverse('document', args=[document_id])}?{urlencode(query)}#page-{page}"


def address_of_citation(citation: Citation) -> str:
    """As `address_of`; a quote that was not found on its page is not marked there."""
    mark = (citation.start, citation.end) if citation.verified else None
    return address_of(citation.document_id, page=citation.page, mark=mark)


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
    row = pages.select_related("ingestion").first()
    if row is None:
        return []
    passage = (citation.start, citation.end)
    return boxes_out(passage, page_views.boxes(row.ingestion, page_of(row), [passage])[0])


def boxes_out(passage: tuple[int, int], boxes: Iterable[Box]) -> list[BoxOut]:
    """The boxes of one passage of a page's text."""
    return [BoxOut(start=passage[0], end=passage[1], **box._asdict()) for box in boxes]
