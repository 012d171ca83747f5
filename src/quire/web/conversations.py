"""Earlier questions and answers, as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quire.chat.models import Exchange
from quire.chat.services import conversations, get_conversation
from quire.documents.models import Document
from quire.documents.services import NotFoundError
from quire.tenants.services import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A conversation, the oldest exchange first; without `id` it is one that has not begun."""

    id: UUID | None = None
    exchanges: tuple[Exchange, ...] = ()


def newest(*, caller: Caller, document: Document | None) -> Transcript:
    """The person's last conversation over this one document, or, without one, over all of the tenant's."""
    scope = {"documents": document} if document else {"documents": None}
    conversation = conversations(caller=caller).filter(**scope).first()
    if conversation is None:
        return Transcript()
    return Transcript(id=conversation.id, exchanges=tuple(conversation.exchanges.order_by("created_at")))


def newest_exchange(*, caller: Caller, conversation_id: UUID) -> Exchange:
    """The last question of one of the person's conversations. Raises `NotFoundError`."""
    conversation = get_conversation(caller=caller, conversation_id=conversation_id)
    exchange: Exchange | None = conversation.exchanges.order_by("-created_at").first()
    if exchange is None:
        raise NotFoundError("conversation")
    return exchange
