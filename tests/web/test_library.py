"""The list of uploads, its rows, and what can be done from them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

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


def test_an_empty_file_is_refused_before_it_is_sent_in_the_words_of_the_server(browser: Client, put: Put) -> None:
    refused = browser.post("/api/ingest/", {"file": SimpleUploadedFile("empty.txt", b"")})
    said = f'<i data-say="empty">{refused.json()["detail"]}</i>'
    assert said in page(browser, "/")
    assert said in page(browser, f"/documents/{put('One.').id}/")


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


@pytest.mark.parametrize("sort", ["newest", "name", "size"])
def test_a_long_library_comes_in_parts_that_join_without_gap(
    browser: Client, put: Put, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(library, "ROWS_AT_ONCE", 2)
    ids = [str(put("Number " + "x" * (9 - n), name=f"{9 - n}.txt", is_worked_on=False).id) for n in range(5)]
    seen: list[str] = []
    path = f"/?sort={sort}"
    while path:
        html = browser.get(path, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in html
        seen += rows(html)
        more = re.search(r'class="more">.*?hx-get="([^"]+)"', html, re.DOTALL)
        path = unescape(more[1]) if more else ""
    assert seen == (ids if sort == "size" else ids[::-1])


def test_a_page_that_is_full_leads_to_a_next_one(browser: Client, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(library, "MAX_ROWS", 2)
    ids = [str(put(f"Number {n}.", is_worked_on=False).id) for n in range(3)]
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', page(browser, "/"))
    assert more
    part = browser.get(unescape(more[1]), headers={"HX-Request": "true"}).content.decode()
    following = re.search(r'class="more"><a class="button" href="([^"]+)">Next page', part)
    assert following
    last = page(browser, unescape(following[1]))
    assert (rows(last), "data-is-later" in last, "<html" in last) == ([ids[0]], True, True)
    assert rows(page(browser, "/?shown=many&sort=newest")) == [ids[2]]


def counts(html: str) -> dict[str, int]:
    found = re.findall(r'id="filter-(\w+)".*?data-count>(\d+)<', html, re.DOTALL)
    return {status: int(count) for status, count in found}


def test_each_status_has_a_link_that_shows_its_documents_and_says_how_many(browser: Client, put: Put) -> None:
    ready, failed = put("Ready.", name="ready.txt"), put(b"%PDF-1.7\nnot really", name="torn.pdf")
    waiting = put("Waiting.", name="waiting.txt", is_worked_on=False)
    assert counts(page(browser, "/")) == {"all": 3, "processing": 1, "completed": 1, "failed": 1}
    for status, document in {"processing": waiting, "completed": ready, "failed": failed}.items():
        assert rows(page(browser, f"/?status={status}")) == [str(document.id)]
    assert counts(page(browser, "/?q=ready&status=failed")) == {"all": 1, "processing": 0, "completed": 1, "failed": 0}


def test_the_view_stays_in_the_address_of_every_link_that_changes_a_part_of_it(browser: Client, put: Put) -> None:
    put("One.", name="pepper & salt.txt")
    html = unescape(page(browser, "/?q=pepper+%26&sort=name&status=completed"))
    assert 'href="/?q=pepper+%26&status=failed&sort=name"' in html
    assert 'href="/?q=pepper+%26&sort=name"' in html


@pytest.mark.parametrize("query", ["status=deleting", "sort=age", "status=%00", "sort=name%00", "q=%00"])
def test_a_view_that_cannot_be_is_the_plain_one(browser: Client, put: Put, query: str) -> None:
    document = put("One.")
    assert rows(page(browser, f"/?{query}")) == [str(document.id)]


def test_a_place_in_the_list_that_cannot_be_is_not_found(browser: Client) -> None:
    assert browser.get("/?cursor=garbage").status_code == 404


def test_fresh_rows_come_with_the_counts_of_what_is_looked_for(browser: Client, put: Put) -> None:
    one = put("One.", name="one.txt")
    put("Two.", name="two.txt")
    assert counts(page(browser, f"/documents/rows/?id={one.id}"))["all"] == 2
    assert counts(page(browser, f"/documents/rows/?id={one.id}&q=two"))["all"] == 1


def test_what_waits_for_a_moment_is_counted_down_by_the_browser(browser: Client, put: Put) -> None:
    document = put("One.", is_worked_on=False)
    soon = timezone.now() + timedelta(seconds=30)
    document.ingestions.update(attempts=1, error_code="x", error_message="Away.", next_attempt_at=soon)
    html = page(browser, "/")
    assert re.search(r'data-left="2\d\.\d+" data-said="Retry 1 of 3 in \{s\} s">Retry 1 of 3 in 2\d s<', html)


def test_uploads_are_found_by_a_part_of_their_name(browser: Client, put: Put) -> None:
    put("One.", name="pepper.txt")
    salt = put("Two.", name="Salt & <b>.txt")
    assert rows(page(browser, "/?q=salt+%26+%3C")) == [str(salt.id)]
    assert "No upload has a name like that" in page(browser, "/?q=nutmeg")
