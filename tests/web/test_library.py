"""The list of uploads, its rows, and what can be done from them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from quire.documents.models import Document, Status
from quire.web.views import library

Put = Callable[..., Document]


NASTY = '<img src=x onerror="alert(1)">.txt'


def rows(html: str) -> list[str]:
    return re.findall(r'id="document-([\w-]+)"', html)


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_library_says_how_to_begin(browser: Client) -> None:
    assert "Drop a document to begin" in page(browser, "/")


def test_the_newest_upload_stands_first(browser: Client, put: Put) -> None:
    older, newer = put("One."), put("Two.")
    assert rows(page(browser, "/")) == [str(newer.id), str(older.id)]


def test_a_name_full_of_markup_is_only_a_name(browser: Client, put: Put) -> None:
    document = put("Harmless.", name=NASTY)
    for path in ("/", f"/documents/{document.id}/", "/jobs/", "/documents/rows/?id=" + str(document.id)):
        html = page(browser, path)
        assert "<img" not in html
        assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;.txt" in html


def test_a_right_to_left_name_cannot_turn_the_words_around_it(browser: Client, put: Put) -> None:
    document = put("Harmless.", name="מסמך.txt")
    assert f"<bdi>{document.name}</bdi>" in page(browser, "/")


def test_a_failed_document_shows_why_and_can_be_tried_again(browser: Client, put: Put) -> None:
    document = put(b"%PDF-1.7\nnot really", name="slow.pdf")
    document.ingestions.update(error_code="parser_timeout", error_message="It took too long.")
    html = page(browser, "/")
    assert "It took too long." in html
    assert f'hx-post="/documents/{document.id}/retry/"' in html
    row = browser.post(f"/documents/{document.id}/retry/", headers={"HX-Request": "true"}).content.decode()
    assert "Waiting to begin" in row
    assert 'data-final="false"' in row


def test_retry_pressed_twice_starts_one_run(browser: Client, put: Put) -> None:
    document = put(b"%PDF-1.7\nnot really", name="broken.pdf")
    for _ in range(2):
        assert browser.post(f"/documents/{document.id}/retry/").status_code == 302
    assert document.ingestions.count() == 2


def test_a_document_that_is_deleted_is_gone_at_once(browser: Client, put: Put) -> None:
    document = put("Soon gone.")
    answer = browser.post(f"/documents/{document.id}/delete/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert rows(page(browser, "/")) == []
    assert browser.get(f"/documents/{document.id}/").status_code == 404


def test_nothing_is_deleted_by_looking(browser: Client, put: Put) -> None:
    document = put("Still here.")
    assert browser.get(f"/documents/{document.id}/delete/").status_code == 405
    assert Document.objects.get(id=document.id).status == Status.COMPLETED


def test_rows_are_those_asked_for_without_those_that_are_gone(browser: Client, put: Put) -> None:
    one, two, three = put("One."), put("Two."), put("Three.")
    browser.post(f"/documents/{two.id}/delete/")
    asked = f"/documents/rows/?id={one.id}&id={two.id}&id=nonsense"
    assert rows(page(browser, asked)) == [str(one.id)]
    assert str(three.id) not in page(browser, asked)


def test_a_long_library_comes_in_parts_that_join_without_gap(
    browser: Client, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "ROWS_AT_ONCE", 2)
    ids = [str(put(f"Number {n}.", is_worked_on=False).id) for n in range(5)]
    seen: list[str] = []
    path: str | None = "/"
    while path:
        html = browser.get(path, headers={"HX-Request": "true"}).content.decode()
        seen += rows(html)
        more = re.search(r'hx-get="([^"]+)"', html)
        path = more[1] if more else None
    assert seen == ids[::-1]


def test_uploads_are_found_by_a_part_of_their_name(browser: Client, put: Put) -> None:
    put("One.", name="pepper.txt")
    salt = put("Two.", name="Salt & <b>.txt")
    assert rows(page(browser, "/?q=salt+%26+%3C")) == [str(salt.id)]
    assert "No upload has a name like that" in page(browser, "/?q=nutmeg")
