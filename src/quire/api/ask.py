"""Questions over HTTP: search, and answers whole or streamed."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from dataclasses import asdict
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from quire.api import handlers, sse
from quire.api.auth import caller_of
from quire.api.citations import citations_of
from quire.api.schemas import AnswerOut, AskAllIn, AskIn, HitOut, NoticeOut, SearchIn, SearchOut
from quire.chat import services as chat
from quire.chat.services import AnswerStream, AskResult
from quire.core.errors import QuireError
from quire.core.types import Notice
from quire.documents.connections import release_connections
from quire.tenants.models import Tenant
from quire.tenants.services import Caller

log = logging.getLogger(__name__)

router = Router(tags=["questions"])
_STREAM = {
    "responses": {
        200: {
            "description": "The answer; with `stream` as events: `token` …, `notice`, `citations`, `done`, or `error`",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/AnswerOut"}},
                "text/event-stream": {},
            },
        }
    }
}


@router.post("search/", response=SearchOut, summary="Find passages")
def search(request: HttpRequest, body: SearchIn) -> SearchOut:
    tenant = caller_of(request).tenant
    found = chat.search(tenant=tenant, query=body.query, document_ids=body.document_ids, limit=body.limit)
    return SearchOut(hits=[HitOut.model_validate(hit, from_attributes=True) for hit in found])


@router.post("ask/", response=AnswerOut, summary="Ask all documents, or some", openapi_extra=_STREAM)
def ask_all(request: HttpRequest, body: AskAllIn) -> AnswerOut | HttpResponseBase:
    return _ask(caller_of(request), body, body.document_ids)


@router.post("documents/{uuid:document_id}/ask/", response=AnswerOut, summary="Ask a document", openapi_extra=_STREAM)
def ask_document(request: HttpRequest, document_id: UUID, body: AskIn) -> AnswerOut | HttpResponseBase:
    return _ask(caller_of(request), body, [document_id])


def _ask(caller: Caller, body: AskIn, document_ids: Sequence[UUID] | None) -> AnswerOut | HttpResponseBase:
    stream = chat.ask(
        caller=caller,
        question=body.question,
        document_ids=document_ids,
        conversation_id=body.conversation_id,
    )
    if body.stream:
        return sse.response(_events(caller.tenant, stream))
    for _ in stream:
        pass
    return _answer(caller.tenant, stream.result)


async def _events(tenant: Tenant, stream: AnswerStream) -> AsyncIterator[bytes]:
    """Each piece is waited for in a thread of this request's, so that a slow model holds up nobody else."""
    pieces = _piecewise(tenant, stream)
    try:
        while event := await sync_to_async(_next)(pieces):
            yield event
    finally:
        await sync_to_async(_end)(pieces, stream)


def _piecewise(tenant: Tenant, stream: AnswerStream) -> Generator[bytes]:
    try:
        for piece in stream:
            if isinstance(piece, Notice):
                yield sse.event("notice", json.dumps(asdict(piece)))
            else:
                yield sse.event("token", json.dumps({"text": piece}))
        answer = _answer(tenant, stream.result)
        citations = [citation.model_dump(mode="json") for citation in answer.citations]
        yield sse.event("citations", json.dumps({"citations": citations}))
        yield sse.event("done", answer.model_dump_json())
    except QuireError as error:
        yield _error(handlers.problem_of(error))
    except Exception as error:  # noqa: BLE001 - told to the client and to the log
        # The answer's status is sent already: the stream itself must say that it broke.
        yield _error(handlers.bug(error, where="an answer's stream"))


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


def _end(pieces: Generator[bytes], stream: AnswerStream) -> None:
    """Also when nobody listens any more: the model then stops."""
    pieces.close()
    stream.close()
    release_connections()


def _error(problem: HttpResponse) -> bytes:
    return sse.event("error", problem.content.decode())


def _answer(tenant: Tenant, result: AskResult) -> AnswerOut:
    return AnswerOut(
        answer=result.answer.text,
        citations=citations_of(tenant, result.answer.citations),
        grounded=result.answer.grounded,
        model=result.answer.model,
        notice=NoticeOut.of(result.answer.notice),
        conversation_id=result.conversation_id,
        timings=result.timings,
    )
