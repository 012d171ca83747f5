"""What tests that really commit need: everything gone at the start, and time that passes at will."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F
from tests import storage, stores

from quire.documents.models import Document, Ingestion


def let_time_pass(seconds: float) -> None:
    """Make every timestamp that waits for the clock older."""
    for name in ("next_attempt_at", "lease_expires_at", "dispatched_at"):
        Ingestion.objects.exclude(**{name: None}).update(**{name: F(name) - timedelta(seconds=seconds)})


def wipe_everything() -> None:
    """Rows, vectors, keywords and files."""
    with transaction.atomic(), connection.cursor() as cursor:
        Document.objects.update(active_ingestion=None)
        stores.wipe()
        tables = ("documents_chunk", "documents_page")
        rows = ("documents_ingestion", "documents_document", "documents_event", "documents_tombstone")
        for table in (*tables, *rows, "tenants_membership", "tenants_tenant", "tenants_user"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - a name from the line above
    storage.wipe_files()
