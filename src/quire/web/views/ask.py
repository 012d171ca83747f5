"""Questions over all of a tenant's documents or chosen ones, earlier conversations, and answers as fragments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from quire.documents import services
from quire.documents.models import Status
from quire.tenants.services import Caller
from quire.web import conversations, scope
from quire.web.callers import caller_required


@require_safe
@caller_required
def ask(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The conversation that the address asks for, over everything or over the documents that it names."""
    conversation = conversations.wanted(request, caller=caller)
    context = {
        "conversation": conversation,
        "scope": conversation.scope,
        "ready": services.living(tenant=caller.tenant).filter(status=Status.COMPLETED).count(),
        "most": scope.MOST,
        **model_context(),
    }
    return render(request, "web/ask.html", context)


@require_safe
@caller_required
def listed(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The person's conversations, or those about one document (`document`), from `cursor` on."""
    of = request.GET.get("document", "")
    document = services.get(tenant=caller.tenant, document_id=of) if of else None
    try:
        rows, following = conversations.listed(caller=caller, document=document, cursor=request.GET.get("cursor", ""))
    except services.RefusedError as error:
        raise Http404(error.message) from None
    context = {"rows": rows, "following": following, "document": document}
    return render(request, "web/fragments/conversations.html", context)


@require_safe
@caller_required
def choices(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Documents to choose for a question: those chosen already (`document`), then others with `q` in their name."""
    chosen = scope.of_address(request, tenant=caller.tenant)
    q = request.GET.get("q", "").replace("\0", "").strip()
    others = scope.offered(chosen, tenant=caller.tenant, q=q)
    return render(request, "web/fragments/choices.html", {"chosen": chosen.documents or (), "others": others, "q": q})


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
