"""A page of a PDF as a picture, and its words where they stand on it: enough to lay one over the other."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from quire.documents import ingestion, services
from quire.documents.models import Document, Ingestion
from quire.documents.services import Upload
from quire.tenants.services import Caller
from quire.testing.files import make_docx, make_pdf

TEXT = "Cloves grow on the island of Ternate.\nNutmeg grows on the islands of Banda."


@pytest.fixture
def take_in(caller: Caller, tmp_path: Path) -> Any:
    def take(name: str, content: bytes) -> Document:
        path = tmp_path / "upload"
        path.write_bytes(content)
        upload = Upload(path=path, name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        document = services.submit(tenant=caller.tenant, user=caller.user, upload=upload).document
        ingestion.run(task_id=services.newest(document).task_id)
        document.refresh_from_db()
        assert document.status == "completed"
        return document

    return take


@pytest.fixture
def pdf(take_in: Any) -> Document:
    return take_in("spices.pdf", make_pdf([TEXT]))  # type: ignore[no-any-return]


def address(document: Document, rest: str) -> str:
    return f"/api/documents/{document.id}/pages/{rest}"


def picture(client: Client, path: str) -> Image.Image:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.content))


def test_a_page_is_a_picture_of_the_width_asked_for(client: Client, pdf: Document) -> None:
    assert picture(client, address(pdf, "1/image/?width=640")).width == 640
    assert picture(client, address(pdf, "1/image/")).width == 1200


def test_every_word_of_a_text_layer_has_its_box_and_there_is_ink_in_it(client: Client, pdf: Document) -> None:
    page = client.get(address(pdf, "1/")).json()
    ink = np.asarray(picture(client, address(pdf, "1/image/?width=1000")).convert("L")) < 128
    height, width = ink.shape
    assert [page["text"][box["start"] : box["end"]] for box in page["boxes"]] == TEXT.split()
    outside = ink.copy()
    for box in page["boxes"]:
        rows = slice(int(box["top"] * height), int(box["bottom"] * height) + 1)
        columns = slice(int(box["left"] * width), int(box["right"] * width) + 1)
        assert ink[rows, columns].any()
        outside[rows, columns] = False
    assert not outside.any()


def test_a_passage_has_one_box_a_line_to_the_character(client: Client, pdf: Document) -> None:
    page = client.get(address(pdf, "1/")).json()
    start = page["text"].index("Ternate")
    boxes = client.get(address(pdf, f"1/?start={start}&end={start + 20}")).json()["boxes"]
    ternate = next(box for box in page["boxes"] if box["start"] == start)
    nutmeg = next(box for box in page["boxes"] if page["text"][box["start"] :].startswith("Nutmeg"))
    assert [box["left"] for box in boxes] == [ternate["left"], nutmeg["left"]]
    assert boxes[0]["right"] == ternate["right"]
    assert nutmeg["right"] < boxes[1]["right"] < page["boxes"][-1]["left"]


def test_words_that_are_asked_for_are_marked_however_they_are_spaced(client: Client, pdf: Document) -> None:
    def yellow(path: str) -> int:
        pixels = np.asarray(picture(client, path).convert("RGB")).astype(int)
        return int(np.count_nonzero((pixels[..., 0] > 220) & (pixels[..., 2] < 180)))

    assert yellow(address(pdf, "1/image/")) == 0
    assert yellow(address(pdf, "1/image/?q=not+on+the+page")) == 0
    assert yellow(address(pdf, "1/image/?q=NUTMEG++grows")) > 1000


def test_a_browser_that_has_the_picture_is_not_sent_it_again(client: Client, pdf: Document) -> None:
    first = client.get(address(pdf, "1/image/"))
    assert first["Cache-Control"].startswith("private")
    again = client.get(address(pdf, "1/image/"), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(address(pdf, "1/image/?width=300"), headers={"If-None-Match": first["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("rest", ["0/image/", "2/image/", "2/"])
def test_a_page_that_is_not_there_is_404(client: Client, pdf: Document, rest: str) -> None:
    answer = client.get(address(pdf, rest))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_width_beyond_reason_is_refused(client: Client, pdf: Document) -> None:
    assert client.get(address(pdf, "1/image/?width=100000")).status_code == 422


def test_what_has_no_pages_to_look_at_says_so_and_has_its_text(client: Client, take_in: Any) -> None:
    document = take_in("spices.docx", make_docx(["Cloves grow on Ternate."]))
    answer = client.get(address(document, "1/image/"))
    assert (answer.status_code, answer.json()["code"]) == (404, "no_picture")
    page = client.get(address(document, "1/")).json()
    assert ("Cloves grow on Ternate." in page["text"], page["boxes"]) == (True, [])


def test_a_page_whose_file_is_gone_has_its_text_all_the_same(client: Client, pdf: Document) -> None:
    Ingestion.objects.update(storage_key="not/there")
    page = client.get(address(pdf, "1/")).json()
    assert (page["text"].split(), page["boxes"]) == (TEXT.split(), [])
    assert client.get(address(pdf, "1/image/")).status_code == 503
    assert client.get(f"/api/documents/{pdf.id}/file/").status_code == 503


def test_a_citation_says_where_its_quote_stands_on_the_page(client: Client, pdf: Document) -> None:
    question = {"question": "Where does Nutmeg grow?"}
    answer = client.post(f"/api/documents/{pdf.id}/ask/", question, content_type="application/json").json()
    citation = answer["citations"][0]
    page = client.get(address(pdf, "1/")).json()
    word = next(box for box in page["boxes"] if page["text"][box["start"] :].startswith("Nutmeg"))
    assert citation["boxes"][0]["left"] == word["left"]
    assert citation["boxes"][0]["top"] == word["top"]
    kept = client.get(f"/api/conversations/{answer['conversation_id']}/").json()
    assert kept["exchanges"][0]["citations"] == answer["citations"]
