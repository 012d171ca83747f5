"""What the pages' templates need beyond Django's own tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from quire.chat.services import FoundChunk
from quire.core.types import Citation
from quire.documents.reports import DocumentReport
from quire.tenants import oidc
from quire.tenants.models import User
from quire.tenants.services import caller_of_session, tenants_of
from quire.web import wording
from quire.web.conversations import ShownExchange

register = template.Library()
register.filter("kind", wording.kind)
register.filter("ago", wording.ago)
register.filter("standing", wording.standing)
register.filter("countdown", wording.countdown)

_NUMBER = re.compile(r"(\[\d+\])")
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]+)(?<=\S)\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChoice:
    """A tenant that a person may switch to, or is in now."""

    id: UUID
    name: str
    is_current: bool


@register.simple_tag
def tenant_choices(request: HttpRequest) -> list[TenantChoice]:
    """The tenants of who is signed in, the first one first."""
    user = request.user
    if not isinstance(user, User):
        return []
    caller = caller_of_session(user, request.session)
    current = caller.tenant.id if caller else None
    return [TenantChoice(id=row.id, name=row.name, is_current=row.id == current) for row in tenants_of(user)]


@register.simple_tag
def single_sign_on() -> str:
    """What the provider of single sign-on is called; empty when there is none."""
    return settings.ENV.oidc_name if oidc.is_used() else ""


@register.filter
def percent(report: DocumentReport) -> int:
    """How far the work is that is under way, 0 to 100."""
    return (report.pending or report.run).progress.percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A run of an answer's text. It is all that an answer can be besides citations: no link, picture or tag of its own
    ever becomes one."""

    text: str
    is_strong: bool


@register.filter
def cited(exchange: ShownExchange) -> list[Words | Citation]:
    """An answer cut at its citation numbers, and where it turns bold; a number without citation stays text."""
    by_number = {f"[{citation.number}]": citation for citation in exchange.citations}
    runs = _STRONG.split(exchange.answer) if exchange.has_markup else [exchange.answer]
    return [
        by_number.get(piece) or Words(text=piece, is_strong=index % 2 == 1)
        for index, run in enumerate(runs)
        for piece in _NUMBER.split(run)
        if piece
    ]


@register.filter
def address(place: Citation | FoundChunk) -> str:
    """Where a citation or a passage leads: the page it stands on, its words marked."""
    query: dict[str, int | str] = {"page": place.page}
    if isinstance(place, FoundChunk):
        query["mark"] = f"{place.spans[0].start}-{place.spans[0].end}"
    elif place.verified:
        query["mark"] = f"{place.start}-{place.end}"
    path = reverse("document", args=[place.document_id])
    return f"{path}?{urlencode(query)}#page-{place.page}"
