"""Asks a question of documents, streams the answer, and keeps it in a conversation."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from quire import registry
from quire.chat import forgetting
from quire.chat.models import Conversation, Exchange
from quire.chat.search import FoundChunk, check_scope, opening, search
from quire.core import answer as answering
from quire.core.questions import asks_for_overview
from quire.core.types import Answer, Passage, Turn
from quire.documents import services as documents
from quire.documents.models import Page, Status
from quire.documents.services import NotFoundError, RefusedError
from quire.tenants.models import Tenant
from quire.tenants.services import Caller

PASSAGES = 8
"""Passages given to the chat model: about 1,600 tokens."""
TURNS_REMEMBERED = 6

__all__ = [
    "AnswerStream",
    "AskResult",
    "FoundChunk",
    "ask",
    "begin_conversation",
    "conversations",
    "get_conversation",
    "search",
    "warm_up",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskResult:
    """A finished answer, where it was kept, and the seconds it took: `retrieve_s`, `answer_s`, `total_s`."""

    answer: Answer
    conversation_id: UUID
    exchange_id: UUID
    timings: dict[str, float]


class AnswerStream:
    """Iterate it for the pieces of the answer as they come; `result` is there once it has ended."""

    def __init__(self, pieces: Iterator[str | AskResult]) -> None:
        self._pieces = pieces
        self.result: AskResult

    def __iter__(self) -> Iterator[str]:
        for piece in self._pieces:
            if isinstance(piece, AskResult):
                self.result = piece
            else:
                yield piece


def ask(
    *,
    caller: Caller,
    question: str,
    document_ids: Sequence[UUID] | None = None,
    conversation_id: UUID | None = None,
) -> AnswerStream:
    """Answer from these documents, or from all of the tenant's, and remember it.

    What is wrong with the request is raised here, before the first piece: `NotFoundError` for a document or a
    conversation that is not the caller's, `RefusedError` (`question_empty`, `question_too_long`, `not_ready`, and
    `other_documents` when the conversation is about others than these).
    """
    conversation = get_conversation(caller=caller, conversation_id=conversation_id) if conversation_id else None
    if conversation:
        document_ids = _kept_scope(conversation, document_ids)
    _check_ready(caller.tenant, document_ids)
    began = time.monotonic()
    found = _retrieve(caller.tenant, question, document_ids)
    retrieved_s = time.monotonic() - began
    return AnswerStream(_answer(caller, question, document_ids, conversation, found, retrieved_s))


def warm_up() -> None:
    """Load what the first question would wait for: the embedder and the rules for sentences, about 1.5 s."""
    registry.embedder().embed_query("warm")
    registry.chat_model()
    registry.sentence_splitter()("Loads its rules. Once.")


def conversations(*, caller: Caller) -> QuerySet[Conversation]:
    """The caller's own conversations, the newest first."""
    own: QuerySet[Conversation] = Conversation.objects.for_tenant(caller.tenant).filter(user=caller.user)
    return own.order_by("-updated_at")


def get_conversation(*, caller: Caller, conversation_id: UUID) -> Conversation:
    """The caller's conversation. Raises `NotFoundError`."""
    conversation = conversations(caller=caller).filter(id=conversation_id).first()
    if conversation is None:
        raise NotFoundError("conversation")
    return conversation


@transaction.atomic
def begin_conversation(*, caller: Caller, title: str, document_ids: Sequence[UUID] | None) -> Conversation:
    """A new conversation about these documents, or about all (None). Raises `NotFoundError`."""
    check_scope(tenant=caller.tenant, document_ids=document_ids)
    conversation: Conversation = Conversation.objects.create(
        tenant=caller.tenant, user=caller.user, title=title.strip()[:200], covers_all=document_ids is None
    )
    conversation.documents.set(documents.living(tenant=caller.tenant).filter(id__in=document_ids or []))
    return conversation


def _check_ready(tenant: Tenant, document_ids: Sequence[UUID] | None) -> None:
    check_scope(tenant=tenant, document_ids=document_ids)
    if document_ids and not documents.living(tenant=tenant).filter(id__in=document_ids, active_ingestion__isnull=False):
        message = "This document is not ready to be asked: it is still being processed, or it failed."
        raise RefusedError(message, code="not_ready", status=409)


def _retrieve(tenant: Tenant, question: str, document_ids: Sequence[UUID] | None) -> list[FoundChunk]:
    if asks_for_overview(question):
        return opening(tenant=tenant, document_ids=document_ids, limit=PASSAGES)
    return search(tenant=tenant, query=question, document_ids=document_ids, limit=PASSAGES)


def _answer(
    caller: Caller,
    question: str,
    document_ids: Sequence[UUID] | None,
    conversation: Conversation | None,
    found: Sequence[FoundChunk],
    retrieved_s: float,
) -> Iterator[str | AskResult]:
    began = time.monotonic()
    events = answering.answer(
        question=question,
        passages=[_passage(number, chunk) for number, chunk in enumerate(found, start=1)],
        model=registry.chat_model(),
        history=_history(conversation),
        split=registry.sentence_splitter(),
        page_text=lambda document_id, page: _page_text(caller.tenant, document_id, page),
        not_found=answering.NOT_FOUND if document_ids and len(document_ids) == 1 else answering.NOT_FOUND_ANYWHERE,
    )
    for event in events:
        if isinstance(event, answering.Token):
            yield event.text
        elif isinstance(event, answering.Done):
            answered_s = time.monotonic() - began
            timings = {"retrieve_s": retrieved_s, "answer_s": answered_s, "total_s": retrieved_s + answered_s}
            rounded = {name: round(seconds, 4) for name, seconds in timings.items()}
            yield _keep(caller, question, document_ids, conversation, event.answer, rounded)


@transaction.atomic
def _keep(
    caller: Caller,
    question: str,
    document_ids: Sequence[UUID] | None,
    conversation: Conversation | None,
    answer: Answer,
    timings: dict[str, float],
) -> AskResult:
    if conversation is None:
        conversation = begin_conversation(caller=caller, title=question, document_ids=document_ids)
    else:
        conversation.save(update_fields=["updated_at"])
    # Locked until the answer is kept: a delete either sees it, and rewrites it, or is seen here.
    cited = documents.lock(tenant=caller.tenant, document_ids=forgetting.cited_by(answer.citations))
    answer = forgetting.known(answer, living={str(document.id) for document in cited})
    exchange = Exchange.objects.create(
        tenant=caller.tenant,
        conversation=conversation,
        question=question,
        answer=answer.text,
        citations=[asdict(citation) for citation in answer.citations],
        grounded=answer.grounded,
        model=answer.model,
        timings=timings,
    )
    exchange.cited.set(cited)
    return AskResult(answer=answer, conversation_id=conversation.id, exchange_id=exchange.id, timings=timings)


def _kept_scope(conversation: Conversation, document_ids: Sequence[UUID] | None) -> list[UUID] | None:
    """The conversation's documents: later questions build on earlier answers, so that others would mix two matters."""
    scope = _scope(conversation)
    if document_ids is not None and (scope is None or set(document_ids) != set(scope)):
        message = "This conversation is about other documents. Begin a new one, or leave `document_ids` out."
        raise RefusedError(message, code="other_documents", status=409)
    return scope


def _scope(conversation: Conversation) -> list[UUID] | None:
    """The documents it is about, None for all. Raises `NotFoundError` when all of them have been deleted."""
    if conversation.covers_all:
        return None
    living = conversation.documents.exclude(status=Status.DELETING).values_list("id", flat=True)
    if not living:
        raise NotFoundError
    return list(living)


def _history(conversation: Conversation | None) -> list[Turn]:
    """The last turns, the oldest first."""
    if conversation is None:
        return []
    latest = conversation.exchanges.order_by("-created_at")[:TURNS_REMEMBERED]
    return [Turn(question=exchange.question, answer=exchange.answer) for exchange in reversed(latest)]


def _passage(number: int, chunk: FoundChunk) -> Passage:
    return Passage(
        number=number,
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        document_name=chunk.document_name,
        text=chunk.text,
        spans=chunk.spans,
        heading_path=chunk.heading_path,
        score=chunk.score,
    )


def _page_text(tenant: Tenant, document_id: str, page: int) -> str:
    """The text of a page of what answers now; empty when it is gone."""
    pages = Page.objects.filter(ingestion__tenant=tenant, ingestion__active_for=UUID(document_id), number=page)
    return pages.values_list("text", flat=True).first() or ""
