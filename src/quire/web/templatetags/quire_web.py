"""What the pages' templates need beyond Django's own tags."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from quire.documents.reports import DocumentReport
from quire.web import wording

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
def cited(exchange: Any) -> list[dict[str, Any]]:
    """An answer cut at its citation numbers: `[{"text"}, {"citation"}, …]`; a number without citation stays text."""
    by_number = {citation["number"]: citation for citation in exchange.citations}
    pieces: list[dict[str, Any]] = []
    for index, piece in enumerate(_NUMBER.split(exchange.answer)):
        if index % 2 and (citation := by_number.get(int(piece))):
            pieces.append({"citation": citation})
        elif piece:
            pieces.append({"text": f"[{piece}]" if index % 2 else piece})
    return pieces


@register.filter
def address(citation: dict[str, Any]) -> str:
    """Where a citation leads: the page it stands on, its words marked."""
    query: dict[str, Any] = {"page": citation["page"]}
    if citation.get("verified") and citation.get("start", -1) >= 0:
        query["mark"] = f"{citation['start']}-{citation['end']}"
    elif citation.get("quote"):
        query["quote"] = citation["quote"][:500]
    path = reverse("document", args=[citation["document_id"]])
    return f"{path}?{urlencode(query)}#page-{citation['page']}"
