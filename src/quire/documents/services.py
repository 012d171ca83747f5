"""What a caller can do with documents: submit, retry, rename, delete. Every function takes the tenant."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from quire.core.errors import QuireError, TransientError
from quire.core.media_types import sniff
from quire.documents import admission, dispatcher, events, files, lifecycle, local_copies, names
from quire.documents.models import Document, Event, Ingestion, Status
from quire.documents.signals import document_deleted
from quire.tenants.models import Tenant, User
from quire.tenants.quotas import QuotaExceeded

log = logging.getLogger(__name__)

ACCEPT_TRIES = 3
BEING_REPLACED = (
    "“{}” has this content now and is being given another. Nothing was kept: upload this again once that is done."
)
CONFLICT = "The same file is being uploaded and deleted at this moment. Try again soon."


class RefusedError(QuireError):
    """The request cannot be granted as it stands; `code` and `message` say why, `status` is its HTTP status."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message, code=code)
        self.status = status


class NotFoundError(RefusedError):
    """It does not exist, or belongs to somebody else: the two look the same."""

    def __init__(self, what: str = "document") -> None:
        super().__init__(f"There is no such {what}.", code="not_found", status=404)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that has arrived: whole, on local disk, hashed on the way in."""

    path: Path
    name: str
    sha256: str
    bytes: int
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What became of an upload. `is_duplicate`: nothing was started, since the same bytes are here already."""

    document: Document
    ingestion: Ingestion
    is_duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A document's file for who may have it: at `url`, or where that is None in `file`, to be read once and closed."""

    name: str
    media_type: str
    size_bytes: int
    url: str | None
    file: File[bytes] | None


def submit(*, tenant: Tenant, user: User, upload: Upload) -> Submission:
    """Keep a file and queue the work on it. Once this returns, the document will end completed or failed.

    The same bytes again: the document that lives is returned; one that failed is tried again, with this file.
    Raises `PermanentError("unsupported_type")`, `RefusedError` (`file_empty`, `being_replaced`), `TransientError`.
    """
    file = _checked(upload)
    if duplicate := _duplicate(tenant, upload.sha256):
        return duplicate
    try:
        admission.check(tenant, bytes_more=upload.bytes, is_new=not _all_failed(tenant, upload.sha256).exists())
    except QuotaExceeded:
        if duplicate := _duplicate(tenant, upload.sha256):  # it was taken in at this moment, and has the last room
            return duplicate
        raise
    storage_key = file["storage_key"] = files.store(tenant, upload.path)
    try:
        submission = _accept(tenant, user, upload, file)
    except BaseException:
        files.discard(tenant, storage_key)
        raise
    if submission.is_duplicate:
        files.discard(tenant, storage_key)
    return submission


def replace(*, tenant: Tenant, document_id: object, upload: Upload) -> Submission:
    """Give a document another file. What it held answers until the new content is complete, and stays if that fails.

    Of two replacements the later wins, whichever ends first. The bytes it has already: nothing is started.
    Raises as `submit`, `NotFoundError`, and `RefusedError("duplicate_content")` when another document has these bytes.
    """
    file = _checked(upload)
    document = get(tenant=tenant, document_id=document_id)
    lifecycle.refuse_second(document, sha256=upload.sha256)
    if document.status == Status.COMPLETED and document.sha256 == upload.sha256 and not lifecycle.unfinished(document):
        return Submission(document=document, ingestion=newest(document), is_duplicate=True)
    admission.check(tenant, bytes_more=upload.bytes, is_new=False)
    file["storage_key"] = files.store(tenant, upload.path)
    try:
        with transaction.atomic():
            admission.take_room(tenant, bytes_more=upload.bytes, is_new=False)
            _begin_replacing(document, sha256=upload.sha256)
            ingestion = lifecycle.enqueue(document=document, kind=Ingestion.Kind.REPLACE, file=file)
            dispatcher.dispatch_soon()
    except BaseException:
        files.discard(tenant, str(file["storage_key"]))
        raise
    return Submission(document=document, ingestion=ingestion, is_duplicate=False)


def retry(*, tenant: Tenant, document_id: object) -> Submission:
    """Try a failed document, or one whose last replacement failed, again: a new ingestion of the same file.

    `RefusedError("not_failed")` otherwise.
    """
    with transaction.atomic():
        document = get(tenant=tenant, document_id=document_id)
        if not living(tenant=tenant).filter(id=document.id).update(status=F("status")):  # takes the row's lock
            raise NotFoundError
        if newest(document).status != Ingestion.Status.FAILED:
            raise RefusedError("Only a document that failed can be tried again.", code="not_failed", status=409)
        Document.objects.filter(id=document.id, status=Status.FAILED).update(status=Status.PROCESSING)
        document.refresh_from_db()
        ingestion = lifecycle.enqueue(document=document, kind=Ingestion.Kind.RETRY, file=_file_of(newest(document)))
        dispatcher.dispatch_soon()
    return Submission(document=document, ingestion=ingestion, is_duplicate=False)


def reindex(*, tenant: Tenant, document_id: object) -> Submission:
    """Make a completed document's pages, chunks and vectors anew; the old ones answer until then."""
    with transaction.atomic():
        document = get(tenant=tenant, document_id=document_id)
        completed = Document.objects.filter(id=document.id, status=Status.COMPLETED)
        if not completed.update(status=Status.COMPLETED):
            raise RefusedError("Only a completed document can be indexed again.", code="not_completed", status=409)
        document.refresh_from_db()  # a replacement may have ended while the lock was waited for
        under_way = lifecycle.unfinished(document).first()  # a replacement must not be lost by it
        source = under_way or document.active_ingestion or newest(document)
        ingestion = lifecycle.enqueue(document=document, kind=Ingestion.Kind.REINDEX, file=_file_of(source))
        dispatcher.dispatch_soon()
    return Submission(document=document, ingestion=ingestion, is_duplicate=False)


def rename(*, tenant: Tenant, document_id: object, name: str) -> Document:
    """Give a document another name."""
    with transaction.atomic():
        document = get(tenant=tenant, document_id=document_id)
        if not Document.objects.filter(id=document.id).living().update(name=names.clean(name)):
            raise NotFoundError
        Event.objects.create(tenant=tenant, document_id=document.id, kind="renamed")
        transaction.on_commit(lambda: events.publish(tenant.id, document.id))
    return get(tenant=tenant, document_id=document_id)


def delete(*, tenant: Tenant, document_id: object) -> None:
    """Make a document invisible at once and for ever; its files and vectors are removed soon after."""
    with transaction.atomic():
        document = get(tenant=tenant, document_id=document_id)
        living = Document.objects.filter(id=document.id).living()
        if not living.update(status=Status.DELETING, deleted_at=Now()):
            raise NotFoundError
        lifecycle.supersede(document)
        Event.objects.create(tenant=tenant, document_id=document.id, kind="deleted")
        document_deleted.send(sender=Document, document=document)
        storage_keys = list(document.ingestions.values_list("storage_key", flat=True))
        transaction.on_commit(lambda: local_copies.forget(storage_keys))
        transaction.on_commit(lambda: events.publish(tenant.id, document.id))


def delete_several(*, tenant: Tenant, document_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Delete those of these documents that are there, one after the other; returns which they were.

    Raises `NotFoundError` when none is there.
    """
    there = list(living(tenant=tenant).filter(id__in=set(document_ids)).values_list("id", flat=True))
    if not there:
        raise NotFoundError
    for document_id in there:
        with suppress(NotFoundError):  # somebody else deletes it at this moment
            delete(tenant=tenant, document_id=document_id)
    return there


def get(*, tenant: Tenant, document_id: object) -> Document:
    """The tenant's document. Raises `NotFoundError`."""
    document = living(tenant=tenant).filter(id=_uuid(document_id)).first()
    if document is None:
        raise NotFoundError
    return document


def living(*, tenant: Tenant) -> QuerySet[Document]:
    """The tenant's documents, without those being deleted."""
    documents: QuerySet[Document] = Document.objects.for_tenant(tenant).living()
    return documents


def lock(*, tenant: Tenant, document_ids: Iterable[uuid.UUID]) -> list[Document]:
    """Those of these documents that live, none of which can be deleted until the caller's transaction ends."""
    return list(living(tenant=tenant).filter(id__in=list(document_ids)).order_by("id").select_for_update(no_key=True))


def newest(document: Document) -> Ingestion:
    """The run that says how the document stands."""
    ingestion: Ingestion = document.ingestions.order_by("-version")[0]
    return ingestion


def original(*, tenant: Tenant, document_id: object) -> Original:
    """The file as it was uploaded, that of the content which answers now. Raises `NotFoundError`, `TransientError`."""
    document = get(tenant=tenant, document_id=document_id)
    ingestion = document.active_ingestion or newest(document)
    url = files.link(ingestion, file_name=document.name)
    return Original(
        name=document.name,
        media_type=ingestion.media_type,
        size_bytes=ingestion.bytes,
        url=url,
        file=None if url else files.open_stream(ingestion),
    )


def _checked(upload: Upload) -> dict[str, object]:
    """What an ingestion notes of a file whose content is one of our types, decided by its content."""
    if upload.bytes == 0:
        raise RefusedError("The file is empty. Choose a file that has content.", code="file_empty", status=400)
    return {
        "sha256": upload.sha256,
        "bytes": upload.bytes,
        "media_type": sniff(upload.path, name=upload.name),
    }


def _begin_replacing(document: Document, *, sha256: str) -> None:
    """Take the row's lock. A document that never had content is now about the new bytes, and no longer failed."""
    living = Document.objects.filter(id=document.id).living()
    if not living.update(status=F("status")):
        raise NotFoundError
    lifecycle.refuse_second(document, sha256=sha256)
    try:
        with transaction.atomic():
            living.filter(active_ingestion=None).update(status=Status.PROCESSING, sha256=sha256)
    except IntegrityError:  # somebody uploaded the same bytes at this moment
        lifecycle.refuse_second(document, sha256=sha256)
        raise TransientError(CONFLICT, code="conflict") from None  # and has deleted them again
    document.refresh_from_db()


def _accept(tenant: Tenant, user: User, upload: Upload, file: dict[str, object]) -> Submission:
    """Queue the file as a new document, or as another try at the one of these bytes that failed."""
    for _ in range(ACCEPT_TRIES):
        try:
            with transaction.atomic():
                is_new = not _all_failed(tenant, upload.sha256).exists()
                admission.take_room(tenant, bytes_more=upload.bytes, is_new=is_new)
                document = _failed(tenant, upload.sha256)
                kind = Ingestion.Kind.RETRY if document else Ingestion.Kind.UPLOAD
                document = document or Document.objects.create(
                    tenant=tenant,
                    uploader=user,
                    name=names.clean(upload.title) if upload.title.strip() else names.of_file(upload.name),
                    sha256=upload.sha256,
                )
                ingestion = lifecycle.enqueue(document=document, kind=kind, file=file)
                dispatcher.dispatch_soon()
            return Submission(document=document, ingestion=ingestion, is_duplicate=False)
        except (IntegrityError, QuotaExceeded) as error:
            # The same bytes came twice at the same moment, and the other was first; unless that is deleted already.
            if duplicate := _duplicate(tenant, upload.sha256):
                return duplicate
            if isinstance(error, QuotaExceeded):
                raise
    raise TransientError(CONFLICT, code="conflict")


def _duplicate(tenant: Tenant, sha256: str) -> Submission | None:
    """The document of these bytes that answers, or will.

    `RefusedError("being_replaced")` where a replacement is about to take them away: they would be gone soon, and
    cannot be another document's too while it may still fail.
    """
    document = living(tenant=tenant).filter(sha256=sha256).exclude(status=Status.FAILED).first()
    ingestion = document.ingestions.order_by("-version").first() if document else None
    if document is None or ingestion is None:
        return None
    if ingestion.sha256 != sha256 and ingestion.status != Ingestion.Status.FAILED:
        raise RefusedError(BEING_REPLACED.format(document.name), code="being_replaced", status=409)
    return Submission(document=document, ingestion=ingestion, is_duplicate=True)


def _failed(tenant: Tenant, sha256: str) -> Document | None:
    """The document of these bytes that failed, ready to be tried again, its row locked."""
    failed = _all_failed(tenant, sha256)
    document: Document | None = failed.first()
    if document is None or not failed.filter(id=document.id).update(status=Status.PROCESSING, completed_at=None):
        return None
    document.refresh_from_db()
    return document


def _all_failed(tenant: Tenant, sha256: str) -> QuerySet[Document]:
    """One at most."""
    return living(tenant=tenant).filter(sha256=sha256, status=Status.FAILED)


def _file_of(ingestion: Ingestion) -> dict[str, object]:
    return {name: getattr(ingestion, name) for name in ("storage_key", "sha256", "bytes", "media_type")}


def _uuid(value: object) -> uuid.UUID:
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    except ValueError:
        raise NotFoundError from None
