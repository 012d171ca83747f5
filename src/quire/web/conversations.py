"""Earlier questions and answers, as the pages show them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from quire.api import paging
from quire.chat import standing
from quire.chat.forgetting import GONE
from quire.chat.models import Conversation, Exchange
from quire.chat.services import FoundChunk, conversations, get_conversation, search
from quire.core.answer import NOT_FOUND, NOT_FOUND_ANYWHERE
from quire.core.errors import QuireError
from quire.core.types import Citation
from quire.documents import services
from quire.documents.models import Document
from quire.documents.services import NotFoundError
from quire.tenants.models import Tenant
from quire.tenants.services import Caller
from quire.web import scope
from quire.web.scope import Scope

log = logging.getLogger(__name__)

NEAREST = 3
LISTED_AT_ONCE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExchange:
    """A question and its answer. A citation of a document that is gone has no name and no quote."""

    id: UUID
    question: str
    answer: str
    citations: tuple[Citation, ...]
    grounded: bool
    model: str = ""
    notice: str = ""
    """What the person should know about how it was made; a sentence."""

    @property
    def is_not_found(self) -> bool:
        """It says that the documents do not say."""
        return not self.grounded and self.answer in {NOT_FOUND, NOT_FOUND_ANYWHERE}

    @property
    def is_unsupported(self) -> bool:
        """It says something, and cites nothing for it."""
        return not self.grounded and self.answer not in {NOT_FOUND, NOT_FOUND_ANYWHERE, GONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A conversation, the oldest exchange first; without `id` it is one that has not begun."""

    scope: Scope
    id: UUID | None = None
    exchanges: tuple[ShownExchange, ...] = ()
    is_lost: bool = False
    """One was asked for that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A conversation as one of many."""

    id: UUID
    title: str
    updated_at: datetime
    covers_all: bool
    names: tuple[str, ...]
    """Of its documents that are still there."""
    address: str


def wanted(request: HttpRequest, *, caller: Caller, document: Document | None = None) -> Transcript:
    """The one that the address asks for: `conversation=<id>`, `new`, `document=<id>`; else the person's last one.

    At a document's page that is the last one about this document alone, elsewhere about all of the tenant's.
    """
    own = Scope(documents=(document,)) if document else scope.of_address(request, tenant=caller.tenant)
    if asked_for := request.GET.get("conversation"):
        try:
            return _transcript(get_conversation(caller=caller, conversation_id=UUID(asked_for)))
        except (NotFoundError, ValueError):
            return Transcript(scope=own, is_lost=True)
    if "new" in request.GET or (document is None and not own.is_all):
        return Transcript(scope=own)
    mine = conversations(caller=caller)
    last = (_about_only(mine, document) if document else mine.filter(covers_all=True)).first()
    return _transcript(last) if last else Transcript(scope=own)


def listed(*, caller: Caller, document: Document | None, cursor: str) -> tuple[list[Listed], str | None]:
    """Some of the person's conversations, those about this document or all, the last used first; the next cursor.

    Raises `RefusedError` for a cursor that is none.
    """
    mine = conversations(caller=caller)
    if document:
        mine = mine.filter(documents=document)
    living = services.living(tenant=caller.tenant).order_by("name", "id").only("id", "name")
    rows, following = paging.page(
        mine.prefetch_related(Prefetch("documents", living)),
        cursor=cursor,
        limit=LISTED_AT_ONCE,
        order=paging.Order(by="updated_at"),
    )
    return [_listed(row) for row in rows], following


def _listed(row: Conversation) -> Listed:
    documents = list(row.documents.all())
    is_of_one = not row.covers_all and len(documents) == 1
    page = reverse("document", args=[documents[0].id]) if is_of_one else reverse("ask")
    return Listed(
        id=row.id,
        title=row.title,
        updated_at=row.updated_at,
        covers_all=row.covers_all,
        names=tuple(document.name for document in documents),
        address=f"{page}?conversation={row.id}",
    )


def _transcript(conversation: Conversation) -> Transcript:
    exchanges = conversation.exchanges.order_by("created_at", "id")
    shown = tuple(_shown(conversation.tenant, exchanges))
    return Transcript(id=conversation.id, exchanges=shown, scope=scope.of_conversation(conversation))


def _about_only(mine: QuerySet[Conversation], document: Document) -> QuerySet[Conversation]:
    """Not those about this document and others: they cannot go on here."""
    alone = mine.annotate(count=Count("documents", distinct=True)).filter(covers_all=False, count=1)
    return alone.filter(documents=document)


def newest_exchange(*, caller: Caller, conversation_id: UUID) -> ShownExchange:
    """The last question of one of the person's conversations. Raises `NotFoundError`."""
    conversation = get_conversation(caller=caller, conversation_id=conversation_id)
    found = _shown(conversation.tenant, conversation.exchanges.order_by("-created_at")[:1])
    if not found:
        raise NotFoundError("conversation")
    return found[0]


def nearest(*, caller: Caller, conversation_id: UUID, question: str) -> list[FoundChunk]:
    """The passages nearest to a question that has no answer; none where search fails, since the answer stands."""
    conversation = get_conversation(caller=caller, conversation_id=conversation_id)
    ids = None if conversation.covers_all else list(conversation.documents.values_list("id", flat=True))
    try:
        return search(tenant=caller.tenant, query=question, document_ids=ids, limit=NEAREST)
    except QuireError as error:
        log.info("no nearest passages: %s", error)
        return []


def _shown(tenant: Tenant, exchanges: Iterable[Exchange]) -> list[ShownExchange]:
    rows = list(exchanges)
    return [
        ShownExchange(
            id=row.id,
            question=row.question,
            answer=row.answer,
            grounded=row.grounded,
            model=row.model,
            notice=row.notice["message"] if row.notice else "",
            citations=citations,
        )
        for row, citations in zip(rows, standing.citations(tenant, rows), strict=True)
    ]
