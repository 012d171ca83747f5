"""What the pages' templates need beyond Django's own tags."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from quire.core.types import Citation
from quire.documents.reports import DocumentReport
from quire.web import wording
from quire.web.conversations import ShownExchange

register = template.Library()
register.filter("kind", wording.kind)
register.filter("ago", wording.ago)
register.filter("standing", wording.standing)

_NUMBER = re.compile(r"\[(\d+)\]")


@register.filter
def percent(report: DocumentReport) -> int:
    """How far the work is that is under way, 0 to 100."""
    return (report.pending or report.run).progress.percent


@register.filter
def cited(exchange: ShownExchange) -> list[str | Citation]:
    """An answer cut at its citation numbers; a number without citation stays text."""
    by_number = {str(citation.number): citation for citation in exchange.citations}
    pieces: list[str | Citation] = []
    for index, piece in enumerate(_NUMBER.split(exchange.answer)):
        if index % 2:
            pieces.append(by_number.get(piece, f"[{piece}]"))
        else:
            pieces.append(piece)
    return pieces


@register.filter
def address(citation: Citation) -> str:
    """Where a citation leads: the page it stands on, its words marked."""
    query: dict[str, int | str] = {"page": citation.page}
    if citation.verified:
        query["mark"] = f"{citation.start}-{citation.end}"
    path = reverse("document", args=[citation.document_id])
    return f"{path}?{urlencode(query)}#page-{citation.page}"
