"""The reading room of a PDF: its pages to look at, its text, its contents, and words found in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client

from quire.documents.models import Document, Page
from quire.testing.files import make_pdf

Put = Callable[..., Document]


@pytest.fixture
def pdf(put: Put) -> Document:
    return put(make_pdf(["# Cloves\n\nThey grow on Ternate.", "# Nutmeg\n\nIt grows on <b>Banda</b>."]), name="a.pdf")


def shown(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_pages_of_a_pdf_are_places_for_pictures_of_their_own_shape(browser: Client, pdf: Document) -> None:
    page = shown(browser, f"/documents/{pdf.id}/")
    assert re.findall(r'data-page="(\d)" data-width="([\d.]+)" data-height="([\d.]+)"', page) == [
        ("1", "595.28", "841.89"),
        ("2", "595.28", "841.89"),
    ]
    assert f'data-pages-url="/api/documents/{pdf.id}/pages/"' in page
    assert "They grow on Ternate" not in page


def test_a_page_whose_size_was_not_kept_has_a_place_all_the_same(browser: Client, pdf: Document) -> None:
    Page.objects.update(size=[])
    assert 'data-width="595.00" data-height="842.00"' in shown(browser, f"/documents/{pdf.id}/")


def test_the_text_of_a_pdf_is_one_link_away(browser: Client, pdf: Document) -> None:
    assert 'href="?view=text"' in shown(browser, f"/documents/{pdf.id}/")
    page = shown(browser, f"/documents/{pdf.id}/?view=text")
    assert "They grow on Ternate" in page
    assert "data-pages-url" not in page.split('id="text"')[0]


def test_a_text_has_no_pictures_to_choose(browser: Client, put: Put) -> None:
    page = shown(browser, f"/documents/{put('Pepper is black.').id}/")
    assert "?view=text" not in page
    assert "data-zoom" not in page


@pytest.mark.parametrize("query", ["page=2&mark=9-11", "page=2&quote=It%0Agrows"])
def test_an_address_says_which_words_of_which_picture_to_box(browser: Client, pdf: Document, query: str) -> None:
    page = shown(browser, f"/documents/{pdf.id}/?{query}")
    (number, start, end) = re.findall(r'data-page="(\d)"[^>]*data-mark="(\d+)-(\d+)"', page)[0]
    text = Page.objects.get(ingestion=pdf.active_ingestion_id, number=2).text
    expected = text[9:11] if "mark" in query else "It grows"
    assert (number, text[int(start) : int(end)]) == ("2", expected)


def test_headings_are_links_to_their_words(browser: Client, pdf: Document) -> None:
    outline = html.unescape(shown(browser, f"/documents/{pdf.id}/outline/"))
    assert f"/documents/{pdf.id}/?page=1&mark=0-6#page-1" in outline
    assert re.findall(r'<span dir="auto">(\w+)</span>', outline) == ["Cloves", "Nutmeg"]


def test_found_words_are_links_to_their_places_and_no_markup(browser: Client, pdf: Document) -> None:
    found = shown(browser, f"/documents/{pdf.id}/find/?q=on <b>banda")
    assert "1 place" in found
    assert "<strong>on &lt;b&gt;Banda</strong>" in found
    assert f"/documents/{pdf.id}/?page=2&amp;mark=" in found


def test_nothing_to_find_finds_nothing(browser: Client, pdf: Document) -> None:
    assert "0 places" in shown(browser, f"/documents/{pdf.id}/find/?q=saffron")
    assert "place" not in shown(browser, f"/documents/{pdf.id}/find/?q=%00")
