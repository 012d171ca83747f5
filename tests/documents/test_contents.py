"""A document's headings, and the places of words in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from quire.documents import contents, ingestion, services
from quire.documents.models import Document
from quire.documents.services import Upload
from quire.tenants.services import Caller
from quire.testing.files import make_docx, make_pdf


@pytest.fixture
def document(caller: Caller, tmp_path: Path) -> Document:
    return _taken_in(
        caller, tmp_path, "spices.docx", make_docx(["# Pepper", "It is  black.", "## Long pepper", "Peppery."])
    )


def _taken_in(caller: Caller, folder: Path, name: str, content: bytes) -> Document:
    path = folder / "upload"
    path.write_bytes(content)
    upload = Upload(path=path, name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    document = services.submit(tenant=caller.tenant, user=caller.user, upload=upload).document
    ingestion.run(task_id=services.newest(document).task_id)
    return services.get(tenant=caller.tenant, document_id=document.id)


def test_headings_come_in_order_with_their_levels(document: Document) -> None:
    assert [(entry.level, entry.text) for entry in contents.outline(document)] == [(1, "Pepper"), (2, "Long pepper")]


def test_a_heading_leads_to_its_own_words(document: Document) -> None:
    assert document.active_ingestion
    text = document.active_ingestion.pages.get(number=1).text
    assert [text[entry.start : entry.end] for entry in contents.outline(document)] == ["Pepper", "Long pepper"]


def test_words_are_found_in_any_case_and_within_longer_ones(document: Document) -> None:
    assert [place.words for place in contents.find(document, "PEPPER")] == ["Pepper", "pepper", "Pepper"]


def test_words_are_found_over_a_line_break(caller: Caller, tmp_path: Path) -> None:
    pdf = _taken_in(caller, tmp_path, "spices.pdf", make_pdf(["Nothing here.", "Cloves grow on\nTernate."]))
    (place,) = contents.find(pdf, "grow  on ternate")
    assert (place.page, place.before, place.words, place.after) == (2, "Cloves ", "grow on Ternate", ".")


@pytest.mark.parametrize("words", ["", "  ", "saffron", ".*"])
def test_what_is_not_there_is_not_found(document: Document, words: str) -> None:
    assert contents.find(document, words) == []


def test_no_more_places_than_asked_for_are_given(document: Document) -> None:
    assert len(contents.find(document, "pepper", limit=2)) == 2


def test_a_document_that_is_not_ready_has_no_contents(caller: Caller) -> None:
    waiting = Document.objects.create(tenant=caller.tenant, uploader=caller.user, name="e", sha256="e")
    assert (contents.outline(waiting), contents.find(waiting, "pepper")) == ([], [])
