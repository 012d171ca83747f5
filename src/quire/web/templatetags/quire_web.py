"""What the pages' templates need beyond Django's own tags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from uuid import UUID

from django import template
from django.conf import settings
from django.http import HttpRequest

from quire.api.citations import address_of, address_of_citation
from quire.chat.pieces import Words, pieces
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


@register.filter
def cited(exchange: ShownExchange) -> list[Words | Citation]:
    """An answer cut at its citation numbers, and where it turns bold. No number begins a line by itself."""
    found = pieces(exchange.answer, citations=exchange.citations, model=exchange.model)
    return [
        replace(piece, text=f"{piece.text[:-1]}\N{NO-BREAK SPACE}")
        if isinstance(piece, Words) and piece.text.endswith(" ") and isinstance(following, Citation)
        else piece
        for piece, following in zip_longest(found, found[1:])
    ]


@register.filter
def address(place: Citation | FoundChunk) -> str:
    """Where a citation or a passage leads: the page it stands on, its words marked."""
    if isinstance(place, Citation):
        return address_of_citation(place)
    return address_of(place.document_id, page=place.page, mark=(place.spans[0].start, place.spans[0].end))
