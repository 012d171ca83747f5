"""A document's page: its text at one side, questions and answers at the other."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from quire.documents import reports, services
from quire.tenants.services import Caller
from quire.web import conversations, reading
from quire.web.callers import caller_required
from quire.web.views.ask import model_context


@require_safe
@caller_required
def document(request: HttpRequest, caller: Caller, document_id: UUID) -> HttpResponse:
    """The reading room, at the page and words that the address asks for; how it stands until there is text."""
    found = services.get(tenant=caller.tenant, document_id=document_id)
    is_new = "new" in request.GET
    context = {
        "report": reports.report(found),
        "sheets": reading.sheets(found, reading.wanted(request)),
        "conversation": conversations.Transcript() if is_new else conversations.newest(caller=caller, document=found),
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
