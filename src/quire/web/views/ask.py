"""Questions over all of a tenant's documents, and answers as fragments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from quire.documents import services
from quire.documents.models import Status
from quire.tenants.services import Caller
from quire.web import conversations
from quire.web.callers import caller_required


@require_safe
@caller_required
def ask(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The person's last conversation over everything, or a new one (`?new`)."""
    is_new = "new" in request.GET
    context = {
        "conversation": conversations.Transcript() if is_new else conversations.newest(caller=caller, document=None),
        "ready": services.living(tenant=caller.tenant).filter(status=Status.COMPLETED).count(),
        **model_context(),
    }
    return render(request, "web/ask.html", context)


@require_safe
@caller_required
def newest_exchange(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponse:
    """The answer that has just been streamed, as it will be shown from now on."""
    exchange = conversations.newest_exchange(caller=caller, conversation_id=conversation_id)
    nearest = []
    if exchange.is_not_found:
        nearest = conversations.nearest(caller=caller, conversation_id=conversation_id, question=exchange.question)
    return render(request, "web/fragments/exchange.html", {"exchange": exchange, "nearest": nearest})


def model_context() -> dict[str, Any]:
    """Whether answers are worded by a language model, and whether questions stay here: the page says so."""
    # By name: to build the model would load the embedder too, only to show a page.
    env = settings.ENV
    is_private = env.embedder in {"minilm", "hashing"} and env.vector_store != "pinecone"
    return {"is_generative": env.chat_model != "extractive", "is_private": is_private}
