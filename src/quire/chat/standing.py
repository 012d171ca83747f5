"""What kept answers cite, as it stands now: a file may have been replaced since, and no other words may be marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from quire.chat.models import Exchange
from quire.core.types import Citation
from quire.documents.models import Page
from quire.tenants.models import Tenant


def citations(tenant: Tenant, exchanges: Sequence[Exchange]) -> list[tuple[Citation, ...]]:
    """Of each exchange, as they were kept; not verified any more where their page says something else by now."""
    kept = [tuple(Citation(**each) for each in exchange.citations) for exchange in exchanges]
    texts = _texts(tenant, [citation for some in kept for citation in some if citation.verified])
    return [tuple(_standing(citation, texts) for citation in some) for some in kept]


def _standing(citation: Citation, texts: dict[tuple[str, int], str]) -> Citation:
    text = texts.get((citation.document_id, citation.page), "")
    if not citation.verified or text[citation.start : citation.end] == citation.quote:
        return citation
    return replace(citation, verified=False, start=-1, end=-1)


def _texts(tenant: Tenant, cited: Sequence[Citation]) -> dict[tuple[str, int], str]:
    """By document and page, of what answers now."""
    documents, numbers = {UUID(each.document_id) for each in cited}, {each.page for each in cited}
    pages = Page.objects.filter(ingestion__tenant=tenant, ingestion__active_for__in=documents, number__in=numbers)
    rows = pages.values_list("ingestion__document_id", "number", "text")
    return {(str(document_id), number): text for document_id, number, text in rows}
