"""Earlier questions and answers, as the pages show them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, QuerySet

from quire.chat.forgetting import GONE
from quire.chat.models import Conversation, Exchange
from quire.chat.services import FoundChunk, conversations, get_conversation, search
from quire.core.answer import NOT_FOUND, NOT_FOUND_ANYWHERE
from quire.core.errors import QuireError
from quire.core.types import Citation
from quire.documents.models import Document
from quire.documents.services import NotFoundError
from quire.tenants.services import Caller

log = logging.getLogger(__name__)

NEAREST = 3
_EXTRACTIVE = "extractive"
"""The id of the model that quotes."""


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

    @property
    def has_markup(self) -> bool:
        """A language model's `**` is bold; in a document's own sentences it stands for itself."""
        return self.model != _EXTRACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A conversation, the oldest exchange first; without `id` it is one that has not begun."""

    id: UUID | None = None
    exchanges: tuple[ShownExchange, ...] = ()


def newest(*, caller: Caller, document: Document | None) -> Transcript:
    """The person's last conversation over this one document, or, without one, over all of the tenant's."""
    mine = conversations(caller=caller)
    conversation = (_about_only(mine, document) if document else mine.filter(covers_all=True)).first()
    if conversation is None:
        return Transcript()
    exchanges = conversation.exchanges.order_by("created_at", "id")
    return Transcript(id=conversation.id, exchanges=tuple(_shown(exchanges)))


def _about_only(mine: QuerySet[Conversation], document: Document) -> QuerySet[Conversation]:
    """Not those about this document and others: they cannot go on here."""
    alone = mine.annotate(count=Count("documents", distinct=True)).filter(covers_all=False, count=1)
    return alone.filter(documents=document)


def newest_exchange(*, caller: Caller, conversation_id: UUID) -> ShownExchange:
    """The last question of one of the person's conversations. Raises `NotFoundError`."""
    conversation = get_conversation(caller=caller, conversation_id=conversation_id)
    found = _shown(conversation.exchanges.order_by("-created_at")[:1])
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


def _shown(rows: Iterable[Exchange]) -> list[ShownExchange]:
    return [
        ShownExchange(
            id=row.id,
            question=row.question,
            answer=row.answer,
            grounded=row.grounded,
            model=row.model,
            notice=row.notice["message"] if row.notice else "",
            citations=tuple(Citation(**kept) for kept in row.citations),
        )
        for row in rows
    ]
