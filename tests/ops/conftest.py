"""A document that has been through the whole pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from quire.documents import ingestion, services
from quire.documents.models import Document
from quire.documents.services import Upload
from quire.tenants.services import Caller

TakeIn = Callable[..., Document]


@pytest.fixture
def take_in(caller: Caller, tmp_path: Path) -> TakeIn:
    """Takes a text in, and works on it until it is completed."""

    def take(text: str = "Nutmeg grows on the Banda islands. It is the seed of an evergreen tree.") -> Document:
        path = tmp_path / "upload.txt"
        path.write_text(text)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        upload = Upload(path=path, name="nutmeg.txt", sha256=sha256, bytes=path.stat().st_size)
        document = services.submit(tenant=caller.tenant, user=caller.user, upload=upload).document
        ingestion.run(task_id=services.newest(document).task_id)
        document.refresh_from_db()
        assert document.status == "completed"
        return document

    return take
