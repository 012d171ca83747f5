"""The caller's conversations: what was asked and answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from ninja import Router, Status

from quire.api import paging
from quire.api.auth import caller_of
from quire.api.citations import address_of_citation, citations_of
from quire.api.origin import origin
from quire.api.schemas import (
    ConversationDetail,
    ConversationIn,
    ConversationList,
    ConversationOut,
    ConversationPatch,
    ExchangeOut,
    NoticeOut,
)
from quire.chat import export, standing
from quire.chat import services as chat
from quire.chat.models import Conversation, Exchange
from quire.core.types import Citation
from quire.tenants.models import Tenant

router = Router(tags=["conversations"])

_MARKDOWN = {"responses": {200: {"description": "The conversation", "content": {"text/markdown": {}}}}}


@router.get("", response=ConversationList, summary="List conversations, the last used first")
def list_conversations(
    request: HttpRequest,
    cursor: str = "",
    limit: paging.Limit = paging.PER_PAGE,
) -> ConversationList:
    own = chat.conversations(caller=caller_of(request)).prefetch_related("documents")
    found, following = paging.page(own, cursor=cursor, limit=limit, order=paging.Order(by="updated_at"))
    return ConversationList(results=[_conversation(row) for row in found], next=following)


@router.post("", response={201: ConversationOut}, summary="Begin a conversation")
def create_conversation(request: HttpRequest, body: ConversationIn) -> Status[ConversationOut]:
    caller = caller_of(request)
    conversation = chat.begin_conversation(caller=caller, title=body.title, document_ids=body.document_ids)
    return Status(201, _conversation(conversation))


@router.get("{uuid:conversation_id}/", response=ConversationDetail, summary="A conversation, question by question")
def get_conversation(request: HttpRequest, conversation_id: UUID) -> ConversationDetail:
    caller = caller_of(request)
    conversation = chat.get_conversation(caller=caller, conversation_id=conversation_id)
    rows = list(conversation.exchanges.order_by("created_at", "id"))
    cited = standing.citations(caller.tenant, rows)
    exchanges = [_exchange(caller.tenant, row, citations) for row, citations in zip(rows, cited, strict=True)]
    return ConversationDetail(**_conversation(conversation).model_dump(), exchanges=exchanges)


@router.patch("{uuid:conversation_id}/", response=ConversationOut, summary="Rename a conversation")
def rename_conversation(request: HttpRequest, conversation_id: UUID, body: ConversationPatch) -> ConversationOut:
    conversation = chat.get_conversation(caller=caller_of(request), conversation_id=conversation_id)
    conversation.title = body.title[:200]
    conversation.save(update_fields=["title"])  # when it was last used stays: that is what lists are ordered by
    return _conversation(conversation)


@router.delete("{uuid:conversation_id}/", response={204: None}, summary="Delete a conversation")
def delete_conversation(request: HttpRequest, conversation_id: UUID) -> Status[None]:
    chat.delete_conversation(caller=caller_of(request), conversation_id=conversation_id)
    return Status(204, None)


@router.get("{uuid:conversation_id}/export/", summary="A conversation as Markdown", openapi_extra=_MARKDOWN)
def export_conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Each question, its answer, and under it what it cites: document, page and quote, linked to the words."""
    conversation = chat.get_conversation(caller=caller_of(request), conversation_id=conversation_id)
    here = origin(request)
    text = export.markdown(conversation, link=lambda citation: f"{here}{address_of_citation(citation)}")
    headers = {
        "Content-Disposition": content_disposition_header(True, f"{_file_name(conversation.title)}.md") or "",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)


def _file_name(title: str) -> str:
    """The title as any system can have it for a file."""
    return re.sub(r"[^\w.-]+", "-", title)[:80].strip("-.") or "conversation"


def _conversation(row: Conversation) -> ConversationOut:
    return ConversationOut(
        id=row.id,
        title=row.title,
        document_ids=[document.id for document in row.documents.all()],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _exchange(tenant: Tenant, row: Exchange, cited: Sequence[Citation]) -> ExchangeOut:
    return ExchangeOut(
        id=row.id,
        question=row.question,
        answer=row.answer,
        citations=citations_of(tenant, cited),
        grounded=row.grounded,
        model=row.model,
        notice=NoticeOut(**row.notice) if row.notice else None,
        timings=row.timings,
        created_at=row.created_at,
    )
