"""The list of uploads, and its rows by themselves for the browser to put in place as they change."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.http import require_safe

from quire.api import paging
from quire.core import media_types
from quire.documents import listing, reports, services
from quire.documents.listing import Counts, Sort
from quire.documents.models import Document, Status
from quire.tenants.services import Caller
from quire.web.callers import caller_required

ROWS_AT_ONCE = 50
MAX_ROWS = 1000
"""A page grows to so many rows as it is scrolled; measured, a browser scrolls them as smoothly as fifty, and five
thousand at a third of that. What comes after is a page of its own."""
FILTERS = ("", Status.PROCESSING.value, Status.COMPLETED.value, Status.FAILED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which documents a person looks at, and in what order: all of it stands in the address."""

    q: str
    status: str
    sort: Sort

    @classmethod
    def of(cls, request: HttpRequest) -> View:
        """What the address says; what it says wrong counts as not said."""
        status, sort = request.GET.get("status", ""), request.GET.get("sort", "")
        return cls(
            q=request.GET.get("q", "").replace("\0", "").strip(),
            status=status if status in FILTERS else "",
            sort=Sort(sort) if sort in set(Sort) else Sort.NEWEST,
        )

    def address(self, **more: str) -> str:
        """The query of this view, or of one that differs in this."""
        said = {"q": self.q, "status": self.status, "sort": "" if self.sort == Sort.NEWEST else self.sort.value} | more
        query = urlencode({name: value for name, value in said.items() if value})
        return f"?{query}" if query else ""

    def documents(self, caller: Caller) -> QuerySet[Document]:
        return listing.find(tenant=caller.tenant, q=self.q, status=self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A link that shows the documents of one status."""

    status: str
    address: str
    count: int
    is_current: bool


@require_safe
@caller_required
def library(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The documents as the address wants them; for htmx the list alone, or what comes after `cursor`."""
    view = View.of(request)
    cursor = request.GET.get("cursor", "")
    try:
        shown, following = paging.documents_page(
            view.documents(caller), sort=view.sort, cursor=cursor, limit=ROWS_AT_ONCE
        )
    except services.RefusedError as error:
        raise Http404(error.message) from None
    context = {
        "reports": reports.reports(shown),
        **_more(view, following, shown=_count(request.GET.get("shown", "")) + len(shown)),
        "is_later": bool(cursor),
        "view": view,
    }
    if request.headers.get("HX-Request") and cursor:
        return render(request, "web/fragments/rows.html", context)
    context |= {
        "filters": _filters(view, caller),
        "suffixes": ",".join(media_types.SUFFIXES),
        "max_bytes": settings.ENV.max_upload_bytes,
    }
    if not _is_part(request):
        return render(request, "web/library.html", context | {"is_whole_page": True})
    response = render(request, "web/fragments/listing.html", context)
    if request.headers.get("HX-Trigger") == "view":  # each letter typed: no step back for it, and nothing empty
        response["HX-Replace-Url"] = resolve_url("library") + view.address()
    return response


@require_safe
@caller_required
def rows(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The rows of the documents named by `id`, as they stand now; those that are gone are left out.

    With them how many documents of the view stand how.
    """
    wanted = [document_id for value in request.GET.getlist("id")[:ROWS_AT_ONCE] if (document_id := _uuid(value))]
    documents = services.living(tenant=caller.tenant).filter(id__in=wanted).order_by("-created_at", "-id")
    context = {"reports": reports.reports(documents), "filters": _filters(View.of(request), caller)}
    return render(request, "web/fragments/fresh_rows.html", context)


def _more(view: View, following: str | None, *, shown: int) -> dict[str, str]:
    """Where the next rows are to be had: for this page, or once it is full on the next one."""
    if not following:
        return {}
    if shown >= MAX_ROWS:
        return {"next_page": view.address(cursor=following)}
    return {"more": view.address(cursor=following, shown=str(shown))}


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0


def _is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _filters(view: View, caller: Caller) -> list[Filter]:
    counts: Counts = listing.counts(listing.find(tenant=caller.tenant, q=view.q))
    return [
        Filter(
            status=status,
            address=view.address(status=status),
            count=getattr(counts, status or "all"),
            is_current=status == view.status,
        )
        for status in FILTERS
    ]


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
