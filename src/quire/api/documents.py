"""Documents over HTTP: list, look at, rename, try again, delete."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from pydantic import Field

from quire.api import paging
from quire.api.auth import caller_of
from quire.api.schemas import DocumentList, DocumentOut, DocumentPatch, DocumentsIn, DocumentsOut, IngestOut, IsText
from quire.api.views import ingest_out, location
from quire.documents import listing, services
from quire.documents.listing import Sort
from quire.documents.reports import report, reports

router = Router(tags=["documents"])

Words = Annotated[str, Field(description="Part of the name or the title", max_length=255), IsText]
Hash = Annotated[
    str, Field(description="SHA-256 of a file, hexadecimal: is it here already?", pattern=r"^([0-9a-fA-F]{64})?$")
]


@router.get("", response=DocumentList, summary="List documents, the newest first or as `sort` says")
def list_documents(
    request: HttpRequest,
    status: Literal["processing", "completed", "failed"] | None = None,
    q: Words = "",
    sha256: Hash = "",
    sort: Literal["newest", "name", "size"] = "newest",
    cursor: str = "",
    limit: paging.Limit = paging.PER_PAGE,
) -> DocumentList:
    documents = listing.find(tenant=caller_of(request).tenant, q=q, status=status or "", sha256=sha256)
    found, following = paging.documents_page(documents, sort=Sort(sort), cursor=cursor, limit=limit)
    return DocumentList(results=[DocumentOut.of(r) for r in reports(found)], next=following)


@router.get("{uuid:document_id}/", response=DocumentOut, url_name="document", summary="A document as it stands")
def get_document(request: HttpRequest, document_id: UUID) -> DocumentOut:
    return DocumentOut.of(report(services.get(tenant=caller_of(request).tenant, document_id=document_id)))


@router.patch("{uuid:document_id}/", response=DocumentOut, summary="Rename a document")
def rename_document(request: HttpRequest, document_id: UUID, body: DocumentPatch) -> DocumentOut:
    document = services.rename(tenant=caller_of(request).tenant, document_id=document_id, name=body.name)
    return DocumentOut.of(report(document))


@router.delete("{uuid:document_id}/", response={204: None}, summary="Delete a document, at once and for ever")
def delete_document(request: HttpRequest, document_id: UUID) -> Status[None]:
    services.delete(tenant=caller_of(request).tenant, document_id=document_id)
    return Status(204, None)


@router.post("delete/", response=DocumentsOut, summary="Delete several documents, at once and for ever")
def delete_documents(request: HttpRequest, body: DocumentsIn) -> DocumentsOut:
    """Those that are gone already are left out of the answer; 404 when none of them is there."""
    gone = services.delete_several(tenant=caller_of(request).tenant, document_ids=body.document_ids)
    return DocumentsOut(document_ids=gone)


@router.post(
    "{uuid:document_id}/retry/", response={202: IngestOut}, by_alias=True, summary="Try a failed document again"
)
def retry_document(request: HttpRequest, response: HttpResponse, document_id: UUID) -> Status[IngestOut]:
    submission = services.retry(tenant=caller_of(request).tenant, document_id=document_id)
    response["Location"] = location(document_id)
    return Status(202, ingest_out(submission))
