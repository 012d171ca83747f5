"""The list of uploads, and its rows by themselves for the browser to put in place as they change."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from quire.documents import reports, services
from quire.documents.models import Document
from quire.tenants.services import Caller
from quire.web.callers import caller_required

ROWS_AT_ONCE = 50


@require_safe
@caller_required
def library(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The newest uploads; with `after=<id>` as a fragment those older than that one."""
    documents = services.living(tenant=caller.tenant).order_by("-created_at", "-id")
    if query := request.GET.get("q", "").replace("\0", "").strip():
        documents = documents.filter(name__icontains=query)
    if after := request.GET.get("after"):
        documents = _older(documents, services.get(tenant=caller.tenant, document_id=after))
    shown = list(documents[: ROWS_AT_ONCE + 1])
    context = {
        "reports": reports.reports(shown[:ROWS_AT_ONCE]),
        "more_after": shown[ROWS_AT_ONCE - 1].id if len(shown) > ROWS_AT_ONCE else None,
        "query": query,
        "max_bytes": settings.ENV.max_upload_bytes,
    }
    template = "web/fragments/rows.html" if request.headers.get("HX-Request") else "web/library.html"
    return render(request, template, context)


@require_safe
@caller_required
def rows(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The rows of the documents named by `id`, as they stand now; those that are gone are left out."""
    wanted = [document_id for value in request.GET.getlist("id")[:ROWS_AT_ONCE] if (document_id := _uuid(value))]
    documents = services.living(tenant=caller.tenant).filter(id__in=wanted).order_by("-created_at", "-id")
    return render(request, "web/fragments/rows.html", {"reports": reports.reports(documents)})


def _older(documents: QuerySet[Document], than: Document) -> QuerySet[Document]:
    return documents.filter(Q(created_at__lt=than.created_at) | Q(created_at=than.created_at, id__lt=than.id))


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
