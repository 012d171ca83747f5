"""Citations for clients, with the boxes of their quotes, and without the quotes of what is gone."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from quire.api.boxes import boxes
from quire.api.schemas import BoxOut, CitationOut
from quire.core.types import Citation
from quire.documents import services
from quire.documents.models import Page
from quire.documents.workspace import page_of
from quire.tenants.models import Tenant


def citations_of(tenant: Tenant, citations: Iterable[Citation]) -> list[CitationOut]:
    """As they are shown now: a deleted document's quotes are blank."""
    citations = list(citations)
    asked = {citation.document_id for citation in citations}
    living = {str(pk) for pk in services.living(tenant=tenant).filter(id__in=asked).values_list("id", flat=True)}
    return [_citation(tenant, citation, is_living=citation.document_id in living) for citation in citations]


def _citation(tenant: Tenant, citation: Citation, *, is_living: bool) -> CitationOut:
    return CitationOut(
        number=citation.number,
        document_id=UUID(citation.document_id),
        document_name=citation.document_name if is_living else "",
        page=citation.page,
        quote=citation.quote if is_living else "",
        boxes=_boxes(tenant, citation) if is_living and citation.verified else [],
        chunk_id=UUID(citation.chunk_id),
        verified=citation.verified and is_living,
    )


def _boxes(tenant: Tenant, citation: Citation) -> list[BoxOut]:
    pages = Page.objects.filter(
        ingestion__tenant=tenant, ingestion__active_for=UUID(citation.document_id), number=citation.page
    )
    row = pages.exclude(words=[]).first()
    return boxes(page_of(row), start=citation.start, end=citation.end) if row else []
