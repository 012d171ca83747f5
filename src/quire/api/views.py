"""The door for uploads: who may, what came, kept, queued; then the answer, while the work goes on behind it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import File, Form, Router
from ninja.errors import ValidationError
from ninja.files import UploadedFile

from quire.api import idempotency
from quire.api.auth import caller_of
from quire.api.schemas import DocumentOut, IngestOut
from quire.api.uploads import HashedFile, upload_of
from quire.documents import services
from quire.documents.reports import report
from quire.documents.services import RefusedError, Submission, Upload
from quire.tenants.services import Caller

router = Router(tags=["documents"])


_ONE_FILE = "Send one file a request; several came, and none of them was kept."
_FILE: dict[str, Any] = {"file": {"type": "string", "format": "binary"}}
_TITLE: dict[str, Any] = {"title": {"type": "string", "description": "A name to show in place of the file's"}}


def _form(properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": ["file"], "properties": properties}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


FILE_FORM = _form(_FILE)
_INGEST = {
    "requestBody": _form(_FILE | _TITLE),
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "description": "The same key with the same request gets the same answer, for 24 hours",
            "schema": {"type": "string", "maxLength": idempotency.MAX_CHARACTERS},
        }
    ],
}


@router.post(
    "ingest/",
    response={202: IngestOut, 200: IngestOut},
    by_alias=True,
    summary="Upload a document",
    openapi_extra=_INGEST,
)
def ingest(
    request: HttpRequest,
    file: File[UploadedFile | None] = None,
    title: Form[str] = "",
) -> HttpResponse:
    """Take a file in and answer at once; a worker does the rest.

    The same bytes again are recognised (200, `duplicate`). With a header `Idempotency-Key` a repeated request gets the
    first one's answer.
    """
    caller = caller_of(request)
    upload = received(request, file, title)
    key = request.headers.get("Idempotency-Key")
    return _ingest_once(caller, upload, key) if key else answer(*_ingest(caller, upload))


def received(request: HttpRequest, file: UploadedFile | None, title: str = "") -> Upload:
    """The file that came, on disk and hashed. `RefusedError` when none did, or it is too large.

    `ValidationError` when several came: all but one would be lost without a word.
    """
    if not isinstance(file, HashedFile):
        message = "Send the file as multipart/form-data, in a field named `file`, its name written in UTF-8."
        raise RefusedError(message, code="file_missing", status=400)
    if sum(len(files) for _, files in request.FILES.lists()) > 1:
        raise ValidationError([{"loc": ("file", "file"), "msg": _ONE_FILE}])
    limit = settings.ENV.max_upload_bytes
    if (file.size or 0) > limit:
        raise RefusedError(f"The file is larger than {limit:,} bytes.", code="file_too_large", status=413)
    return upload_of(file, title=title)


def _ingest(caller: Caller, upload: Upload) -> tuple[int, dict[str, Any], str]:
    """Status, body and location of the answer."""
    submission = services.submit(tenant=caller.tenant, user=caller.user, upload=upload)
    body = ingest_out(submission).model_dump(mode="json", by_alias=True)
    return (200 if submission.is_duplicate else 202), body, location(submission.document.id)


def _ingest_once(caller: Caller, upload: Upload, key: str) -> HttpResponse:
    asked = idempotency.fingerprint("ingest", upload.sha256, upload.name, upload.title)
    row = idempotency.begin(tenant=caller.tenant, key=key, fingerprint=asked)
    if row.status:
        return answer(row.status, row.body, row.location)
    try:
        status, body, place = _ingest(caller, upload)
    except BaseException:
        idempotency.abandon(row)
        raise
    idempotency.finish(row, status=status, body=body, location=place)
    return answer(status, body, place)


def ingest_out(submission: Submission) -> IngestOut:
    """What is answered to an upload, a retry or a replacement."""
    return IngestOut(
        message="Already uploaded" if submission.is_duplicate else "Processing started",
        task_id=submission.ingestion.task_id,
        is_async=True,
        duplicate=submission.is_duplicate,
        document=DocumentOut.of(report(submission.document)),
    )


def location(document_id: UUID) -> str:
    """Where a document is followed."""
    return reverse("api:document", args=[document_id])


def answer(status: int, body: dict[str, Any], place: str) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type="application/json", headers={"Location": place})
