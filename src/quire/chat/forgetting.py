"""Forgets what answers quote of a document once it is deleted: its words are nowhere then, in no conversation either.

An answer that cites it is made of its words, or may be, so its text goes as a whole; what it cites of other
documents stays.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from quire.chat.models import Exchange
from quire.core.types import Answer, Citation
from quire.documents.models import Document

GONE = "This answer quoted a document that has been deleted."
ROWS_AT_ONCE = 100
"""Exchanges rewritten by one statement."""


def on_deleted(sender: type[Document], *, document: Document, **_: Any) -> None:
    """Rewrite every exchange that cites the document. Called in the transaction that deletes it."""
    exchanges = Exchange.objects.for_tenant(document.tenant)
    rows = list(exchanges.filter(cited=document).only("citations", "answer"))
    for row in rows:
        row.citations = [kept | _BLANK if kept["document_id"] == str(document.id) else kept for kept in row.citations]
        row.answer = GONE
    exchanges.bulk_update(rows, ["citations", "answer"], batch_size=ROWS_AT_ONCE)


def known(answer: Answer, *, living: Container[str]) -> Answer:
    """The answer as it may be kept: without the words of documents deleted while it was made."""
    gone = {citation.document_id for citation in answer.citations if citation.document_id not in living}
    if not gone:
        return answer
    citations = (replace(c, **_BLANK) if c.document_id in gone else c for c in answer.citations)
    return replace(answer, text=GONE, citations=tuple(citations))


def cited_by(citations: Sequence[Citation]) -> set[UUID]:
    """The documents that citations name."""
    return {UUID(citation.document_id) for citation in citations}


_BLANK: dict[str, Any] = {"document_name": "", "quote": "", "start": -1, "end": -1, "verified": False}
"""What is left of a citation, besides its number, its page and its ids."""
