"""Asks a question of documents, streams the answer, and keeps it in a conversation."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from quire import registry
from quire.chat import forgetting
from quire.chat.models import Conversation, Exchange
from quire.chat.outside import OutsideModel, StandIn, standing_alone
from quire.chat.search import FoundChunk, check_question, check_scope, opening, search, search_anyhow
from quire.core import answer as answering
from quire.core.ports import ChatModel, WarmsUp
from quire.core.questions import asks_for_overview
from quire.core.types import Answer, Notice, Passage, Turn
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
    "delete_conversation",
    "get_conversation",
    "search",
    "warm_up",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskResult:
    """A finished answer, where it was kept, and the seconds it took: `retrieve_s`, `answer_s`, `total_s`.

    No ids: its conversation was deleted while it was made, and it is kept nowhere.
    """

    answer: Answer
    conversation_id: UUID | None
    exchange_id: UUID | None
    timings: dict[str, float]


class AnswerStream:
    """Iterate it for the pieces of the answer's text as they come, and what a person should know about it.

    `result` is there once it has ended. One that is not heard to its end must be closed: the model then stops, and
    nothing is kept.
    """

    def __init__(self, pieces: Generator[str | Notice | AskResult]) -> None:
        self._pieces = pieces
        self.result: AskResult

    def __iter__(self) -> Iterator[str | Notice]:
        for piece in self._pieces:
            if isinstance(piece, AskResult):
                self.result = piece
            else:
                yield piece

    def close(self) -> None:
        self._pieces.close()


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
    asked = _Asked(
        caller=caller,
        question=question,
        document_ids=document_ids,
        conversation=conversation,
        history=_history(conversation),
        model=_model(),
    )
    began = time.monotonic()
    retrieved = _retrieve(asked)
    return AnswerStream(_answer(asked, retrieved, time.monotonic() - began))


def warm_up() -> None:
    """Load what the first question would wait for: models of this machine, the rules for sentences, about 1.5 s."""
    embedder = registry.embedder()
    if isinstance(embedder, WarmsUp):
        embedder.warm_up()
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
    return _new_conversation(caller, title, document_ids)


@transaction.atomic
def delete_conversation(*, caller: Caller, conversation_id: UUID) -> None:
    """Raises `NotFoundError`. Locked first: an answer that is being kept is deleted with it, or finds it gone."""
    conversation = conversations(caller=caller).select_for_update().filter(id=conversation_id).first()
    if conversation is None:
        raise NotFoundError("conversation")
    conversation.delete()


def _new_conversation(caller: Caller, title: str, document_ids: Sequence[UUID] | None) -> Conversation:
    """About those of these documents that live still."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A question that may be asked, of these documents or of all (None)."""

    caller: Caller
    question: str
    document_ids: Sequence[UUID] | None
    conversation: Conversation | None
    history: Sequence[Turn]
    model: ChatModel

    @property
    def not_found(self) -> str:
        is_one = self.document_ids is not None and len(self.document_ids) == 1
        return answering.NOT_FOUND if is_one else answering.NOT_FOUND_ANYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retrieved:
    """What was found, by which question, and what to tell of how."""

    question: str
    passages: Sequence[Passage]
    notice: Notice | None = None


def _model() -> ChatModel:
    model = registry.chat_model()
    return OutsideModel(model) if model.is_generative else model


def _retrieve(asked: _Asked) -> _Retrieved:
    tenant, documents_of_it = asked.caller.tenant, asked.document_ids
    if asks_for_overview(asked.question):
        found = opening(tenant=tenant, document_ids=documents_of_it, limit=PASSAGES)
        return _Retrieved(question=asked.question, passages=_passages(found))
    check_question(asked.question)
    question = standing_alone(asked.model, question=asked.question, history=asked.history)
    found, error = search_anyhow(tenant=tenant, query=question, document_ids=documents_of_it, limit=PASSAGES)
    notice = Notice(code="search_by_words", message=f"{_BY_WORDS} {error.message}") if error else None
    return _Retrieved(question=question, passages=_passages(found), notice=notice)


_BY_WORDS = "The search by meaning failed: the question was searched for by its words alone."


def _answer(asked: _Asked, retrieved: _Retrieved, retrieved_s: float) -> Generator[str | Notice | AskResult]:
    began = time.monotonic()
    events = answering.answer(
        question=asked.question,
        passages=retrieved.passages,
        model=asked.model,
        history=asked.history,
        split=registry.sentence_splitter(),
        page_text=lambda document_id, page: _page_text(asked.caller.tenant, document_id, page),
        not_found=asked.not_found,
        stand_in=lambda: StandIn(registry.extractive_model(), question=retrieved.question),
        notice=retrieved.notice,
    )
    with closing(events):
        for event in events:
            if isinstance(event, answering.Token):
                yield event.text
            elif isinstance(event, Notice):
                yield event
            elif isinstance(event, answering.Done):
                answered_s = time.monotonic() - began
                timings = {"retrieve_s": retrieved_s, "answer_s": answered_s, "total_s": retrieved_s + answered_s}
                yield _keep(asked, event.answer, {name: round(seconds, 4) for name, seconds in timings.items()})


@transaction.atomic
def _keep(asked: _Asked, answer: Answer, timings: dict[str, float]) -> AskResult:
    caller, conversation = asked.caller, asked.conversation
    # Locked until the answer is kept: a delete either sees it, and rewrites it, or is seen here. And locked first: a
    # conversation's rows name documents, which shares their lock, and nobody may wait for more while sharing.
    ids = forgetting.cited_by(answer.citations)
    locked = documents.lock(tenant=caller.tenant, document_ids=ids | set(asked.document_ids or ()))
    cited = [document for document in locked if document.id in ids]
    answer = forgetting.known(answer, living={str(document.id) for document in cited})
    if conversation is None:
        # The scope was checked when the question came: what is deleted since takes no answer away.
        conversation = _new_conversation(caller, asked.question, asked.document_ids)
    elif not conversations(caller=caller).filter(id=conversation.id).update(updated_at=timezone.now()):
        return AskResult(answer=answer, conversation_id=None, exchange_id=None, timings=timings)
    exchange = Exchange.objects.create(
        tenant=caller.tenant,
        conversation=conversation,
        question=asked.question,
        answer=answer.text,
        citations=[asdict(citation) for citation in answer.citations],
        grounded=answer.grounded,
        model=answer.model,
        notice=asdict(answer.notice) if answer.notice else None,
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


def _passages(found: Sequence[FoundChunk]) -> list[Passage]:
    return [_passage(number, chunk) for number, chunk in enumerate(found, start=1)]


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
