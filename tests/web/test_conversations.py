"""Earlier conversations in the pages, and which documents a question is asked of."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from quire.chat.models import Conversation, Exchange
from quire.documents import services
from quire.documents.models import Document
from quire.tenants.services import Caller
from quire.web import scope

Put = Callable[..., Document]


@pytest.fixture
def pepper(put: Put) -> Document:
    return put("Pepper is black.", name="pepper.txt")


@pytest.fixture
def saffron(put: Put) -> Document:
    return put("Saffron is red.", name="saffron.txt")


def page(browser: Client, path: str, *, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def asked(asker: Caller, question: str, documents: Sequence[Document] | None) -> Conversation:
    """A conversation of one question about these documents, or about all."""
    conversation: Conversation = Conversation.objects.create(
        tenant=asker.tenant, user=asker.user, title=question, covers_all=documents is None
    )
    conversation.documents.set(documents or [])
    Exchange.objects.create(
        tenant=asker.tenant, conversation=conversation, question=question, answer=f"{question} Yes.", model="extractive"
    )
    return conversation


def titles(shown: str) -> list[str]:
    return re.findall(r'class="row-name"[^>]*>(.*?)</a>', shown)


def chips(shown: str) -> list[str]:
    return re.findall(r'class="chip"><bdi>(.*?)</bdi>', shown)


def test_a_persons_conversations_are_listed_the_last_used_first_and_lead_to_themselves(
    browser: Client, caller: Caller, stranger: Caller, pepper: Document, saffron: Document
) -> None:
    one = asked(caller, "Of one?", [pepper])
    some = asked(caller, "Of some?", [pepper, saffron])
    everything = asked(caller, "Of all?", None)
    asked(Caller(tenant=caller.tenant, user=stranger.user), "A colleague's?", None)
    some.save(update_fields=["updated_at"])  # as a further question does
    shown = page(browser, "/conversations/")
    assert titles(shown) == ["Of some?", "Of all?", "Of one?"]
    for conversation in (one, some, everything):
        (address,) = re.findall(rf'href="([^"]+\?conversation={conversation.id})"', shown)
        assert f"{conversation.title} Yes." in page(browser, address)
        assert f'href="/api/conversations/{conversation.id}/export/"' in shown


def test_at_a_document_those_that_are_about_it_are_listed(
    browser: Client, caller: Caller, pepper: Document, saffron: Document
) -> None:
    asked(caller, "Of pepper?", [pepper])
    asked(caller, "Of both?", [pepper, saffron])
    asked(caller, "Of saffron?", [saffron])
    assert titles(page(browser, f"/conversations/?document={pepper.id}")) == ["Of both?", "Of pepper?"]


def test_a_long_list_goes_on_where_it_ended(browser: Client, caller: Caller) -> None:
    for number in range(35):
        asked(caller, f"{number}?", None)
    first = page(browser, "/conversations/")
    (more,) = re.findall(r'data-more="([^"]+)"', first)
    rest = page(browser, more)
    assert titles(first) + titles(rest) == [f"{number}?" for number in reversed(range(35))]
    assert "data-more" not in rest
    page(browser, "/conversations/?cursor=nonsense", status=404)


def test_an_earlier_conversation_is_opened_beside_its_document(
    browser: Client, caller: Caller, pepper: Document
) -> None:
    older = asked(caller, "The older?", [pepper])
    asked(caller, "The newer?", [pepper])
    shown = page(browser, f"/documents/{pepper.id}/?conversation={older.id}")
    assert "The older? Yes." in shown
    assert "The newer? Yes." not in shown
    assert f'data-conversation="{older.id}"' in shown


def test_at_a_document_a_conversation_about_others_is_shown_where_it_belongs(
    browser: Client, caller: Caller, pepper: Document, saffron: Document
) -> None:
    both = asked(caller, "Of both?", [pepper, saffron])
    answer = browser.get(f"/documents/{pepper.id}/?conversation={both.id}")
    assert answer.headers["Location"] == f"/ask/?conversation={both.id}"
    shown = page(browser, answer.headers["Location"])
    assert "Of both? Yes." in shown
    assert chips(shown) == ["pepper.txt", "saffron.txt"]


@pytest.mark.parametrize("path", ["/ask/", "/documents/{id}/"])
def test_a_conversation_that_is_not_there_or_not_ones_own_is_said_to_be_gone(
    browser: Client, stranger: Caller, pepper: Document, path: str
) -> None:
    theirs = asked(stranger, "Their secret?", None)
    for lost in (theirs.id, uuid4(), "nonsense", "%00"):
        shown = page(browser, f"{path.format(id=pepper.id)}?conversation={lost}")
        assert "not here any more" in shown
        assert "secret" not in shown
        assert 'data-conversation=""' in shown


def test_chosen_documents_are_shown_and_each_can_be_left_out(
    browser: Client, caller: Caller, pepper: Document, saffron: Document, put: Put
) -> None:
    third = put("Cloves are brown.", name="cloves.txt", is_worked_on=False)
    asked(caller, "Of all?", None)
    shown = page(browser, f"/ask/?document={saffron.id}&document={pepper.id}&document={third.id}")
    assert chips(shown) == ["saffron.txt", "pepper.txt", "cloves.txt"]
    assert f'data-documents="{saffron.id},{pepper.id},{third.id}"' in shown
    assert f'href="/ask/?document={saffron.id}&document={third.id}"' in shown
    assert shown.count("not ready") == 1
    assert "Of all?" not in shown


def test_foreign_deleted_and_nonsensical_documents_are_told_of_and_left_out(
    browser: Client, caller: Caller, stranger: Caller, pepper: Document, saffron: Document, put: Put
) -> None:
    theirs = put("Their secret recipe.", owner=stranger, name="secret.txt")
    services.delete(tenant=caller.tenant, document_id=saffron.id)
    shown = page(browser, f"/ask/?document={pepper.id}&document={theirs.id}&document={saffron.id}&document=x%00")
    assert "3 of the chosen documents are not here any more." in shown
    assert chips(shown) == ["pepper.txt"]
    assert f'data-documents="{pepper.id}"' in shown
    assert "secret" not in shown


def test_where_all_chosen_documents_are_gone_nothing_else_is_asked_in_their_place(
    browser: Client, caller: Caller, pepper: Document, saffron: Document
) -> None:
    conversation = asked(caller, "Of saffron?", [saffron])
    services.delete(tenant=caller.tenant, document_id=saffron.id)
    for path in (f"/ask/?document={saffron.id}", f"/ask/?conversation={conversation.id}"):
        shown = page(browser, path)
        assert "not here any more. Choose others, or ask all." in shown
        assert 'id="ask"' not in shown


def test_more_documents_than_an_address_may_name_are_cut_and_that_is_said(browser: Client, pepper: Document) -> None:
    others = "".join(f"&document={uuid4()}" for _ in range(scope.MOST))
    assert "only the first 100 are" in page(browser, f"/ask/?document={pepper.id}{others}")


def test_documents_are_offered_by_name_the_chosen_ones_first(
    browser: Client, stranger: Caller, pepper: Document, saffron: Document, put: Put
) -> None:
    put("Their secret recipe.", owner=stranger, name="secret.txt")
    put("Not read yet.", name="waiting.txt", is_worked_on=False)
    offered = re.compile(r'value="([^"]+)"[^>]*?( checked)?> <bdi>')
    shown = page(browser, f"/documents/choices/?document={pepper.id}")
    assert offered.findall(shown) == [(str(pepper.id), " checked"), (str(saffron.id), "")]
    shown = page(browser, f"/documents/choices/?document={pepper.id}&q=SAFF")
    assert offered.findall(shown) == [(str(pepper.id), " checked"), (str(saffron.id), "")]
    assert "No other document" in page(browser, f"/documents/choices/?document={pepper.id}&q=secret%00")


def test_a_document_leads_to_asking_more_of_them_and_all(browser: Client, pepper: Document) -> None:
    shown = page(browser, f"/documents/{pepper.id}/")
    assert chips(shown) == ["This document"]
    assert 'href="/ask/?new"' in shown
    assert f'<input type="hidden" name="document" value="{pepper.id}">' in shown


def test_where_no_document_is_ready_earlier_conversations_are_reached_all_the_same(
    browser: Client, caller: Caller, put: Put
) -> None:
    put("Not read yet.", is_worked_on=False)
    asked(caller, "Of all?", None)
    shown = page(browser, "/ask/")
    assert "No document is ready yet." in shown
    assert "Of all? Yes." in shown
    assert 'data-panel="talks"' in shown
    assert 'id="ask"' not in shown
    assert 'id="pick"' not in shown


def answered(conversation: Conversation, document: Document, answer: str, **differing: Any) -> None:
    """Its only question has this answer, with a citation of the document's first words."""
    citation = {
        "number": 1,
        "chunk_id": "",
        "document_id": str(document.id),
        "document_name": document.name,
        "page": 1,
        "quote": "Pepper is black.",
        "start": 0,
        "end": 16,
        "verified": True,
    }
    conversation.exchanges.update(answer=answer, citations=[citation | differing])


def test_the_number_of_a_citation_stands_with_the_word_before_it(
    browser: Client, caller: Caller, pepper: Document
) -> None:
    conversation = asked(caller, "Of pepper?", [pepper])
    answered(conversation, pepper, "It is black. [1] That is all.")
    shown = page(browser, f"/conversations/{conversation.id}/newest/")
    assert 'It is black.\N{NO-BREAK SPACE}<a class="cite"' in shown
    assert "</a> That is all." in shown


def test_an_unverified_quote_says_so_where_it_is_cited(browser: Client, caller: Caller, pepper: Document) -> None:
    conversation = asked(caller, "Of pepper?", [pepper])
    answered(conversation, pepper, "White. [1]", quote="Pepper is white.", start=-1, end=-1, verified=False)
    shown = page(browser, f"/conversations/{conversation.id}/newest/")
    assert re.search(r'<a class="cite"[^>]* data-unverified aria-label="Citation 1, page 1, not verified">', shown)
    assert "not verified</span>" in shown
    assert "mark=" not in shown
