"""What must hold before web and worker start."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, QuerySet

from quire import registry
from quire.core.errors import PermanentError
from quire.documents.models import Document, Ingestion, Status


def foreign_documents() -> QuerySet[Document]:
    """Completed documents whose vectors another embedder made: no question of this one's can find them."""
    mine = registry.embedder().id
    documents: QuerySet[Document] = Document.objects.filter(
        status=Status.COMPLETED, active_ingestion__isnull=False
    ).exclude(active_ingestion__embedder_id=mine)
    return documents


def refuse_foreign_vectors() -> None:
    """Raise `PermanentError("embedder_changed")` while documents of another embedder wait for nothing.

    A document for which `quire reindex` has queued a run since is no hindrance, or that run could never be worked on.
    """
    later = Ingestion.objects.filter(
        document=OuterRef("pk"), version__gt=OuterRef("active_ingestion__version"), kind=Ingestion.Kind.REINDEX
    )
    left = foreign_documents().exclude(Exists(later))
    made_by = left.values_list(F("active_ingestion__embedder_id"), flat=True).first()
    if made_by is None:
        return
    raise PermanentError(
        f"{left.count()} documents were embedded by {made_by or 'an unknown model'}, but the settings name "
        f"{registry.embedder().id}, which cannot find them. Run `quire reindex` with these settings, then start again; "
        "or set QUIRE_EMBEDDER back.",
        code="embedder_changed",
    )
