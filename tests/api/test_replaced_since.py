"""An answer that was kept, and whose document says something else since."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from tests.web.conftest import browser as browser
from tests.web.conftest import put as put

from quire.documents import ingestion, services
from quire.documents.models import Document, Ingestion
from quire.tenants.services import Caller

Put = Callable[..., Document]
RENT = "The rent of the apiary is due on the third of March."


@pytest.fixture
def rent(put: Put) -> Document:
    return put(RENT, name="rent.txt")


def asked(client: Client, document: Document) -> dict[str, Any]:
    question = {"question": "When is the rent of the apiary due?"}
    answer: dict[str, Any] = client.post(f"/api/documents/{document.id}/ask/", question, "application/json").json()
    assert answer["citations"][0]["verified"]
    return answer


def kept(client: Client, answer: dict[str, Any]) -> dict[str, Any]:
    """Its first citation, as the conversation gives it now."""
    conversation = client.get(f"/api/conversations/{answer['conversation_id']}/").json()
    citation: dict[str, Any] = conversation["exchanges"][0]["citations"][0]
    return citation


def work(document: Document) -> None:
    ingestion.run(task_id=Ingestion.objects.filter(document=document).latest("version").task_id)


def test_a_citation_of_a_replaced_file_marks_none_of_its_new_words(
    client: Client, browser: Client, rent: Document
) -> None:
    answer = asked(client, rent)
    file = SimpleUploadedFile("rent.txt", RENT.replace("third of March", "ninth of June").encode())
    body = client._encode_data({"file": file}, MULTIPART_CONTENT)
    assert client.generic("PUT", f"/api/documents/{rent.id}/file/", body, MULTIPART_CONTENT).status_code == 202
    assert kept(client, answer)["verified"], "the old content answers still"
    work(rent)
    citation = kept(client, answer)
    assert (citation["quote"], citation["verified"], citation["boxes"]) == (RENT, False, [])
    page = browser.get(f"/documents/{rent.id}/?conversation={answer['conversation_id']}").content.decode()
    assert "not verified" in page
    assert not re.search(r"[?&;]mark=", page)
    markdown = client.get(f"/api/conversations/{answer['conversation_id']}/export/").content.decode()
    assert "not verified" in markdown
    assert "mark=" not in markdown


def test_a_citation_of_a_document_that_was_indexed_again_stays_what_it_was(
    client: Client, caller: Caller, rent: Document
) -> None:
    answer = asked(client, rent)
    services.reindex(tenant=caller.tenant, document_id=rent.id)
    work(rent)
    assert kept(client, answer) == answer["citations"][0]
