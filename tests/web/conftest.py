"""A browser that Ada is signed in with, and documents of hers as they are after an upload, or after the work."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from quire.documents import ingestion, services
from quire.documents.models import Document
from quire.documents.services import Upload
from quire.tenants.services import Caller

Put = Callable[..., Document]


@pytest.fixture
def browser(caller: Caller) -> Client:
    """Ada's browser, which sends the CSRF token only where a page would."""
    browser = Client()
    browser.force_login(caller.user)
    return browser


@pytest.fixture
def put(caller: Caller, tmp_path: Path) -> Put:
    """Upload text (or bytes) under a name; the work on it is done as a worker does it, unless it shall wait."""

    def put(
        text: str | bytes, *, name: str = "notes.txt", owner: Caller = caller, is_worked_on: bool = True
    ) -> Document:
        content = text if isinstance(text, bytes) else text.encode()
        path = tmp_path / "upload"
        path.write_bytes(content)
        upload = Upload(path=path, name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        submission = services.submit(tenant=owner.tenant, user=owner.user, upload=upload)
        if is_worked_on:
            ingestion.run(task_id=submission.ingestion.task_id)
        return services.get(tenant=owner.tenant, document_id=submission.document.id)

    return put
