"""A document's page: its text at one side, questions and answers at the other."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from quire.documents import contents, reports, services
from quire.tenants.services import Caller
from quire.web import conversations, reading
from quire.web.callers import caller_required
from quire.web.views.ask import model_context

MOST_WORDS_CHARS = 200


@require_safe
@caller_required
def document(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """The reading room, at the page and words that the address asks for; how it stands until there is text."""
    found = services.get(tenant=caller.tenant, document_id=document_id)
    conversation = conversations.wanted(request, caller=caller, document=found)
    if not conversation.scope.is_only(found):
        return redirect(f"{reverse('ask')}?conversation={conversation.id}")
    want = reading.wanted(request)
    has_pictures = reading.has_pictures(found)
    is_text = not has_pictures or request.GET.get("view") == "text"
    context = {
        "report": reports.report(found),
        "has_pictures": has_pictures,
        "is_text": is_text,
        "has_outline": bool(contents.outline(found, limit=1)),
        "sheets": reading.sheets(found, want) if is_text else reading.pictures(found, want),
        "suggested": reading.suggested(found),
        "conversation": conversation,
        "scope": conversation.scope,
        "kept_query": f"conversation={conversation.id}" if conversation.id and "conversation" in request.GET else "",
        "max_bytes": settings.ENV.max_upload_bytes,
        "ask_api": f"/api/documents/{found.id}/ask/",
        **model_context(),
    }
    return render(request, "web/document.html", context)


@require_safe
@caller_required
def standing(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """How a document stands now, by itself."""
    found = services.get(tenant=caller.tenant, document_id=document_id)
    return render(request, "web/fragments/standing.html", {"report": reports.report(found)})


@require_safe
@caller_required
def page(request: HttpRequest, caller: Caller, document_id: UUID, number: int) -> HttpResponse:
    """One page of text, the words that the address asks for marked."""
    found = services.get(tenant=caller.tenant, document_id=document_id)
    sheet = reading.one_sheet(found, reading.wanted(request, page=number))
    return render(request, "web/fragments/sheet.html", {"sheet": sheet, "document_id": found.id})


@require_safe
@caller_required
def outline(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """The document's headings, each a link to where it stands."""
    found = services.get(tenant=caller.tenant, document_id=document_id)
    context = {"entries": contents.outline(found), "document_id": found.id, "address": _address(found.id)}
    return render(request, "web/fragments/outline.html", context)


@require_safe
@caller_required
def find(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """The places that say the words `q`, each a link to them."""
    found = services.get(tenant=caller.tenant, document_id=document_id)
    query = request.GET.get("q", "").replace("\0", "").strip()[:MOST_WORDS_CHARS]
    places = contents.find(found, query)
    context = {"places": places, "query": query, "is_cut": len(places) == contents.MOST_PLACES}
    return render(
        request, "web/fragments/found.html", {**context, "document_id": found.id, "address": _address(found.id)}
    )


def _address(document_id: UUID) -> str:
    return reverse("document", args=[document_id])


@require_POST
@caller_required
def retry(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """Try a failed document again. Pressed twice, the second press changes nothing."""
    try:
        services.retry(tenant=caller.tenant, document_id=document_id)
    except services.NotFoundError:
        raise
    except services.RefusedError:
        pass  # it is under way already: the row says so
    if not request.headers.get("HX-Request"):
        return redirect("document", document_id)
    report = reports.report(services.get(tenant=caller.tenant, document_id=document_id))
    return render(request, "web/fragments/row.html", {"report": report})


@require_POST
@caller_required
def delete(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """Delete a document; its row is replaced by nothing."""
    services.delete(tenant=caller.tenant, document_id=document_id)
    return HttpResponse() if request.headers.get("HX-Request") else redirect("library")
