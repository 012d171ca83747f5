"""What a document holds: the original file, which may be replaced, and its pages as text and as pictures."""

from __future__ import annotations

import hashlib
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from ninja import File, Query, Router
from ninja.files import UploadedFile

from quire.api import views
from quire.api.auth import caller_of
from quire.api.citations import boxes_out
from quire.api.download import Download
from quire.api.schemas import BoxOut, IngestOut, PageOut
from quire.documents import page_views, services

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

_JPEG = {"responses": {200: {"description": "The picture", "content": {"image/jpeg": {}}}}}
_PICTURE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600, must-revalidate"}
RANGE = "With it, `boxes` are those of the passage of `text` that begins here, one a line, instead of each word's"


@router.get("{uuid:document_id}/file/", summary="The original file", openapi_extra=_BYTES)
def get_file(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    original = services.original(tenant=caller_of(request).tenant, document_id=document_id)
    if original.url and request.META["REQUEST_METHOD"] == "HEAD":
        return _head(original)  # the link is signed for GET: the bucket would refuse it
    if original.url:
        return HttpResponseRedirect(original.url, headers=_SAFE | {"Referrer-Policy": "no-referrer"})
    return Download(
        original.file,
        as_attachment=True,
        filename=original.name,
        content_type=original.media_type,
        headers=_SAFE | {"Content-Length": str(original.size_bytes)},
    )


def _head(original: services.Original) -> HttpResponse:
    """What is told of a file that is not sent, as if it came from us."""
    disposition = content_disposition_header(as_attachment=True, filename=original.name) or "attachment"
    told = {"Content-Length": str(original.size_bytes), "Content-Disposition": disposition}
    return HttpResponse(content_type=original.media_type, headers=_SAFE | told)


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
    submission = services.replace(tenant=tenant, document_id=document_id, upload=views.received(request, file))
    body = views.ingest_out(submission).model_dump(mode="json", by_alias=True)
    return views.answer(200 if submission.is_duplicate else 202, body, views.location(document_id))


@router.get("{uuid:document_id}/pages/{int:number}/", response=PageOut, summary="A page as text")
def get_page(
    request: HttpRequest,
    document_id: UUID,
    number: int,
    start: Annotated[int | None, Query(ge=0, description=RANGE)] = None,
    end: Annotated[int | None, Query(ge=0, description="Where that passage ends")] = None,
) -> PageOut:
    tenant = caller_of(request).tenant
    ingestion, page = page_views.page(tenant=tenant, document_id=document_id, number=number)
    if start is None and end is None:
        boxes = [BoxOut(start=w.start, end=w.end, **w.box._asdict()) for w in page_views.words(ingestion, page)]
    else:
        passage = (start or 0, len(page.text) if end is None else end)
        boxes = boxes_out(passage, page_views.boxes(ingestion, page, [passage])[0])
    return PageOut(number=page.number, label=page.label, text=page.text, origin=page.origin.value, boxes=boxes)


@router.get("{uuid:document_id}/pages/{int:number}/image/", summary="A picture of a page", openapi_extra=_JPEG)
def get_page_image(
    request: HttpRequest,
    document_id: UUID,
    number: int,
    width: Annotated[int, Query(ge=50, le=page_views.MAX_WIDTH_PX, description="In pixels")] = 1_200,
    q: Annotated[str, Query(max_length=500, description="Words to mark where the page says them")] = "",
) -> HttpResponse:
    """Only PDFs have pictures. It may be kept by the browser that asked: a page of one file never changes."""
    tenant = caller_of(request).tenant
    ingestion, page = page_views.page(tenant=tenant, document_id=document_id, number=number)
    tag = quote_etag(hashlib.sha256(f"{ingestion.id} {number} {width} {q}".encode()).hexdigest()[:32])
    answer = get_conditional_response(request, etag=tag)
    if answer is None:
        picture = page_views.draw(ingestion, page, width_px=width, marked=q)
        answer = HttpResponse(picture.content, content_type="image/jpeg", headers=_PICTURE)
    answer.headers["ETag"] = tag
    return answer
