"""What a document holds: the original file, which may be replaced, and its pages as text."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from ninja import File, Router
from ninja.files import UploadedFile

from quire.api import views
from quire.api.auth import caller_of
from quire.api.boxes import boxes
from quire.api.download import Download
from quire.api.schemas import IngestOut, PageOut
from quire.documents import services
from quire.documents.models import Page
from quire.documents.services import NotFoundError
from quire.documents.workspace import page_of

router = Router(tags=["documents"])

# A file is somebody else's: a browser saves it, and where it shows it all the same, nothing in it runs.
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
_BYTES = {
    "responses": {
        200: {"description": "The file as it was uploaded", "content": {"application/octet-stream": {}}},
        302: {"description": "Where the bucket that keeps the file hands it out, for a minute"},
    }
}


@router.get("{uuid:document_id}/file/", summary="The original file", openapi_extra=_BYTES)
def get_file(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    original = services.original(tenant=caller_of(request).tenant, document_id=document_id)
    if original.url:
        return HttpResponseRedirect(original.url, headers=_SAFE | {"Referrer-Policy": "no-referrer"})
    return Download(
        original.file,
        as_attachment=True,
        filename=original.name,
        content_type=original.media_type,
        headers=_SAFE | {"Content-Length": str(original.size_bytes)},
    )


@router.put(
    "{uuid:document_id}/file/",
    response={202: IngestOut, 200: IngestOut},
    by_alias=True,
    summary="Replace the file",
    openapi_extra={"requestBody": views.FILE_FORM},
)
def put_file(request: HttpRequest, document_id: UUID, file: File[UploadedFile | None] = None) -> HttpResponse:
    """The old content answers until the new is complete, and stays if that fails; a later replacement wins."""
    tenant = caller_of(request).tenant
    services.get(tenant=tenant, document_id=document_id)
    submission = services.replace(tenant=tenant, document_id=document_id, upload=views.received(file))
    body = views.ingest_out(submission).model_dump(mode="json", by_alias=True)
    return views.answer(200 if submission.is_duplicate else 202, body, views.location(document_id))


@router.get("{uuid:document_id}/pages/{int:number}/", response=PageOut, summary="A page as text")
def get_page(request: HttpRequest, document_id: UUID, number: int) -> PageOut:
    document = services.get(tenant=caller_of(request).tenant, document_id=document_id)
    row = Page.objects.filter(ingestion=document.active_ingestion_id, number=number).first()
    if row is None:
        raise NotFoundError("page")
    page = page_of(row)
    return PageOut(number=page.number, label=page.label, text=page.text, origin=page.origin.value, boxes=boxes(page))
