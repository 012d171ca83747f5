"""The reading room: a document's text by page, and the words of a citation marked."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from django.test import Client

from quire.chat.models import Conversation, Exchange
from quire.core.answer import NOT_FOUND
from quire.documents.models import Document, Ingestion
from quire.tenants.services import Caller

Put = Callable[..., Document]


TEXT = "Pepper is black. Saffron is red.\n\nA 🌶 is hot, and <b>this</b> is no markup."


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def marked(page_html: str) -> str:
    return html.unescape("".join(re.findall(r"<mark>(.*?)</mark>", page_html, re.DOTALL)))


def test_a_documents_text_is_shown_and_none_of_it_is_markup(browser: Client, put: Put) -> None:
    document = put(TEXT)
    shown = page(browser, f"/documents/{document.id}/")
    assert 'id="page-1"' in shown
    assert "&lt;b&gt;this&lt;/b&gt; is no markup" in shown


def test_a_citations_words_are_marked_by_their_place_in_the_text(browser: Client, put: Put) -> None:
    document = put(TEXT)
    start = TEXT.index("is hot")  # beyond a character that JavaScript counts twice
    shown = page(browser, f"/documents/{document.id}/?page=1&mark={start}-{start + 6}")
    assert marked(shown) == "is hot"


def test_a_citations_words_are_marked_by_the_quote_itself(browser: Client, put: Put) -> None:
    document = put(TEXT)
    assert marked(page(browser, f"/documents/{document.id}/pages/1/?quote=Saffron%20is%0Ared.")) == "Saffron is red."


def test_a_nonsensical_mark_marks_nothing(browser: Client, put: Put) -> None:
    document = put(TEXT)
    for query in ("mark=-5-x", "mark=9999999-99999999", "mark=9-2", "page=999&mark=0-5", "page=%C2%B2&mark=%C2%B2-5"):
        assert marked(page(browser, f"/documents/{document.id}/?{query}")) == ""


def test_far_pages_are_left_for_the_browser_to_fetch(browser: Client, put: Put) -> None:
    document = put("\n".join(f"Line {n} of a long text, which goes on and on." for n in range(2000)))
    shown = page(browser, f"/documents/{document.id}/")
    far = re.findall(r'data-from="([^"]+)"', shown)
    assert len(far) > 3
    assert "Line " in page(browser, far[-1])
    assert browser.get(f"/documents/{document.id}/pages/9999/").status_code == 404


def test_a_document_under_way_says_so_and_takes_no_question(browser: Client, put: Put) -> None:
    document = put(TEXT, is_worked_on=False)
    shown = page(browser, f"/documents/{document.id}/")
    assert "Waiting to begin" in shown
    assert 'id="ask"' not in shown
    assert 'data-final="false"' in page(browser, f"/documents/{document.id}/standing/")


def test_a_broken_file_says_why_and_offers_to_replace_it_and_not_to_try_it_again(browser: Client, put: Put) -> None:
    document = put(b"%PDF-1.7\nnot really", name="broken.pdf")
    shown = page(browser, f"/documents/{document.id}/")
    assert "damaged or incomplete" in shown
    assert "/retry/" not in shown
    assert shown.count("Replace file…") == 2
    assert f'data-url="/api/documents/{document.id}/file/"' in shown
    assert 'id="ask"' not in shown
    row = page(browser, "/")
    assert "/retry/" not in row
    assert "Replace file…" in row


def test_what_time_may_cure_is_offered_to_be_tried_again(browser: Client, put: Put) -> None:
    document = put(TEXT, is_worked_on=False)
    Ingestion.objects.update(status="failed", error_code="service_unavailable", error_message="It was away.")
    Document.objects.update(status="failed")
    for shown in (page(browser, f"/documents/{document.id}/"), page(browser, "/")):
        assert f'action="/documents/{document.id}/retry/"' in shown


def test_a_replacement_shows_how_it_stands_and_why_it_failed_while_the_old_text_answers(
    browser: Client, put: Put
) -> None:
    document = put(TEXT)
    sent = browser.put(
        f"/api/documents/{document.id}/file/",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="b.txt"\r\n\r\nNew words.\r\n--x--\r\n',
        content_type="multipart/form-data; boundary=x",
    )
    assert sent.status_code == 202
    shown = page(browser, f"/documents/{document.id}/")
    assert "New version: Waiting to begin" in shown
    assert 'data-final="false"' in shown
    assert "Saffron is red." in shown
    replacement = Ingestion.objects.filter(kind="replace")
    replacement.update(status="failed", error_code="service_unavailable", error_message="It was away.")
    shown = page(browser, f"/documents/{document.id}/")
    assert "The new version failed, and the earlier one still answers. It was away." in shown
    assert f'action="/documents/{document.id}/retry/"' in shown
    assert 'id="ask"' in shown


def test_earlier_questions_are_shown_with_citations_that_lead_to_their_words(
    browser: Client, put: Put, caller: Caller
) -> None:
    document = put(TEXT)
    ask(caller, document, answer="It is red [1], they say [7].")
    shown = page(browser, f"/documents/{document.id}/")
    assert "they say [7]." in shown
    leads_to = html.unescape(re.findall(r'class="cite" href="([^"]+)"', shown)[0])
    assert leads_to == f"/documents/{document.id}/?page=1&mark=17-32#page-1"
    assert marked(page(browser, leads_to)) == "Saffron is red."


def test_an_answer_shows_no_words_of_a_deleted_document(browser: Client, put: Put, caller: Caller) -> None:
    conversation = ask(caller, put(TEXT), answer="Saffron is red. [1]")
    gone = conversation.documents.get()
    browser.post(f"/documents/{gone.id}/delete/")
    shown = page(browser, f"/conversations/{conversation.id}/newest/")
    assert "Saffron is red." not in shown
    assert "This answer quoted a document that has been deleted." in shown


def test_questions_of_a_deleted_document_do_not_become_questions_of_all(
    browser: Client, put: Put, caller: Caller
) -> None:
    conversation = ask(caller, put(TEXT), answer="It is red.")
    put("Another text, so that there is something to ask.")
    conversation.documents.clear()
    assert "It is red." not in page(browser, "/ask/")


def test_a_conversation_about_more_documents_is_not_shown_at_one_of_them(
    browser: Client, put: Put, caller: Caller
) -> None:
    document = put(TEXT)
    ask(caller, document, answer="It is red.").documents.add(put("Another text."))
    assert "It is red." not in page(browser, f"/documents/{document.id}/")


def test_a_new_conversation_begins_empty(browser: Client, put: Put, caller: Caller) -> None:
    document = put(TEXT)
    ask(caller, document, answer="It is red.")
    assert "It is red." not in page(browser, f"/documents/{document.id}/?new")


def test_another_persons_questions_are_not_shown(browser: Client, put: Put, caller: Caller, stranger: Caller) -> None:
    document = put(TEXT)
    theirs = ask(Caller(tenant=caller.tenant, user=stranger.user), document, answer="A private matter.")
    assert "A private matter." not in page(browser, f"/documents/{document.id}/")
    assert browser.get(f"/conversations/{theirs.id}/newest/").status_code == 404


def ask(asker: Caller, document: Document, *, answer: str) -> Conversation:
    """An exchange as `chat.services` keeps it."""
    conversation: Conversation = Conversation.objects.create(
        tenant=asker.tenant, user=asker.user, title="Colours", covers_all=False
    )
    conversation.documents.set([document])
    citation = {
        "number": 1,
        "chunk_id": "",
        "document_id": str(document.id),
        "document_name": "notes.txt",
        "page": 1,
        "quote": "Saffron is red.",
        "start": 17,
        "end": 32,
        "verified": True,
    }
    exchange = Exchange.objects.create(
        tenant=asker.tenant,
        conversation=conversation,
        question="What colour?",
        answer=answer,
        citations=[citation],
        grounded=True,
        model="extractive",
    )
    exchange.cited.set([document])
    return conversation


def test_the_page_says_how_to_set_a_language_model_where_none_is(browser: Client, put: Put, settings: Any) -> None:
    path = f"/documents/{put(TEXT).id}/"
    shown = page(browser, path)
    for setting in ("QUIRE_CHAT_MODEL=gemini", "GEMINI_API_KEY", "QUIRE_CHAT_MODEL=openai", "OPENAI_BASE_URL"):
        assert setting in shown
    assert "leaves this machine" in shown

    settings.ENV = settings.ENV.model_copy(update={"embedder": "gemini"})
    assert "leaves this machine" not in page(browser, path)
    settings.ENV = settings.ENV.model_copy(update={"chat_model": "gemini"})
    assert "QUIRE_CHAT_MODEL" not in page(browser, path)


def test_a_new_conversation_offers_questions_from_the_documents_own_headings(browser: Client, put: Put) -> None:
    document = put("# 1 Cloves\n\nOn Ternate.\n\n## 1.1 Trade\n\nBy sea.\n\n# 2.\n\nNothing.\n", name="spices.md")
    offered = re.findall(r"data-ask>(.*?)</button>", html.unescape(page(browser, f"/documents/{document.id}/")))
    assert offered[:3] == [
        "What is this document about?",
        "What does it say about “Cloves”?",
        "What does it say about “Trade”?",
    ]
    assert len(offered) == 3


def test_a_conversation_that_has_begun_offers_no_questions(browser: Client, put: Put, caller: Caller) -> None:
    document = put(TEXT)
    ask(caller, document, answer="It is red.")
    assert "data-ask>" not in page(browser, f"/documents/{document.id}/")


def test_an_answer_that_is_not_there_offers_the_nearest_passages(browser: Client, put: Put, caller: Caller) -> None:
    document = put(TEXT)
    put("Saffron is sold in another document.", name="other.txt")
    conversation = ask(caller, document, answer=NOT_FOUND)
    Exchange.objects.update(grounded=False, citations=[], question="Is saffron sold?")
    shown = page(browser, f"/conversations/{conversation.id}/newest/")
    (leads_to,) = re.findall(r'class="near" href="([^"]+)"', html.unescape(shown))
    assert leads_to.startswith(f"/documents/{document.id}/?page=1&mark=0-")
    assert "Saffron is red." in marked(page(browser, leads_to))


def test_the_nearest_passages_are_there_again_after_a_reload_without_its_waiting_for_them(
    browser: Client, put: Put, caller: Caller
) -> None:
    document = put(TEXT)
    conversation = ask(caller, document, answer=NOT_FOUND)
    Exchange.objects.update(grounded=False, citations=[])
    shown = page(browser, f"/documents/{document.id}/")
    (place,) = re.findall(r'<div class="nearest" hx-get="([^"]+)"', shown)
    assert 'class="near"' not in shown
    assert place == f"/conversations/{conversation.id}/newest/"
    assert "hx-get" not in page(browser, place)


def test_an_answer_that_is_there_offers_no_other_passages(browser: Client, put: Put, caller: Caller) -> None:
    conversation = ask(caller, put(TEXT), answer="It is red. [1]")
    assert 'class="near"' not in page(browser, f"/conversations/{conversation.id}/newest/")
