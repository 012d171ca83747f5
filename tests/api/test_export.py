"""A conversation as Markdown: whole, with citations that lead to their words, and nobody's markup but ours."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from quire.chat.models import Conversation, Exchange
from quire.documents.models import Document, Ingestion, Page
from quire.tenants.models import Membership
from quire.tenants.services import Caller, create_key


def exported(client: Client, conversation: Conversation) -> Any:
    return client.get(f"/api/conversations/{conversation.id}/export/")


def kept(
    caller: Caller,
    *,
    title: str = "Colours of spices",
    question: str = "What colour is saffron?",
    answer: str = "Saffron is **red** [1].",
    quote: str = "Saffron is red.",
    model: str = "some-model",
    **differing: Any,
) -> Conversation:
    """A conversation about one document, with one citation, as `chat.services` keeps it."""
    document = Document.objects.create(tenant=caller.tenant, uploader=caller.user, name="spices.txt", sha256="s")
    run = Ingestion.objects.create(tenant=caller.tenant, document=document, version=1, bytes=1)
    Page.objects.create(ingestion=run, number=2, origin="markup", text=f"It looks like: {quote}")
    Document.objects.filter(id=document.id).update(active_ingestion=run)
    conversation: Conversation = Conversation.objects.create(
        tenant=caller.tenant, user=caller.user, title=title, covers_all=False
    )
    conversation.documents.set([document])
    citation = {
        "number": 1,
        "chunk_id": "",
        "document_id": str(document.id),
        "document_name": "spices.txt",
        "page": 2,
        "quote": quote,
        "start": 15,
        "end": 15 + len(quote),
        "verified": True,
    }
    Exchange.objects.create(
        tenant=caller.tenant,
        conversation=conversation,
        question=question,
        answer=answer,
        model=model,
        citations=[citation | differing],
    )
    return conversation


def test_question_answer_and_citation_are_exported_with_a_link_to_the_words(client: Client, caller: Caller) -> None:
    conversation = kept(caller)
    answer = exported(client, conversation)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="Colours-of-spices.md"'
    document = conversation.documents.get()
    there = f"http://testserver/documents/{document.id}/?page=2&mark=15-30#page-2"
    assert answer.content.decode().split("\n\n")[1:] == [
        f"About spices.txt · {conversation.created_at:%Y-%m-%d %H:%M} UTC",
        "## What colour is saffron?",
        f"Saffron is **red** [\\[1\\]]({there}).",
        f"1. [spices.txt, page 2]({there}): “Saffron is red.”\n",
    ]


def test_what_was_written_is_exported_as_text_and_not_as_markup(client: Client, caller: Caller) -> None:
    nasty = "# <img src=x> [a](javascript:b) *c* `d`\n- e\n1. f\n==="
    conversation = kept(caller, title=nasty, question=nasty, answer=f"{nasty} **g** [1]", quote=nasty)
    text = exported(client, conversation).content.decode()
    assert "\\<img src=x\\> \\[a\\](javascript:b) \\*c\\* \\`d\\`" in text
    assert not re.search(r"(?<!\\)[<`]", text)
    assert [line for line in text.splitlines() if re.match(r"(#|-|=|\d+\.\s)", line)] == [
        line for line in text.splitlines() if line.startswith(("# \\#", "## \\#", "1. [spices.txt"))
    ]
    assert "**g**" in text


def test_stars_of_a_document_quoted_word_for_word_stay_stars(client: Client, caller: Caller) -> None:
    text = exported(client, kept(caller, answer="2 **3** 4 [1]", model="extractive")).content.decode()
    assert "2 \\*\\*3\\*\\* 4" in text


def test_an_indented_paragraph_is_no_code(client: Client, caller: Caller) -> None:
    text = exported(client, kept(caller, answer="Spices:\n\n    red ones [1]\n\tand others.")).content.decode()
    assert "\n\nred ones [\\[1\\]](" in text
    assert not re.search(r"^[ \t]+\S", text, re.MULTILINE)


def test_an_address_in_the_text_becomes_no_link(client: Client, caller: Caller) -> None:
    answer = "See HTTPS://a.example, www.b.example or c@d.example. Now. [1]"
    text = exported(client, kept(caller, answer=answer)).content.decode()
    assert "See HTTPS\\://a.example, www\\.b.example or c\\@d.example. Now. [\\[1\\]](http://testserver/" in text


def test_an_unverified_quote_is_exported_as_such_and_its_link_marks_nothing(client: Client, caller: Caller) -> None:
    text = exported(client, kept(caller, verified=False, start=-1, end=-1)).content.decode()
    assert "not verified" in text
    assert "mark=" not in text


def test_a_deleted_documents_citation_is_exported_without_words_or_link(client: Client, caller: Caller) -> None:
    gone = {"document_name": "", "quote": "", "verified": False}
    text = exported(client, kept(caller, answer="It quoted [1].", **gone)).content.decode()
    assert "1. Page 2 of a document that was deleted" in text
    assert "](" not in text


def test_a_title_that_is_no_file_name_makes_one_all_the_same(client: Client, caller: Caller) -> None:
    for title in ("a/b\n\\c", "…", "Ω ἀρχή" * 33):
        answer = exported(client, kept(caller, title=title))
        assert answer.status_code == 200
        assert "\n" not in answer["Content-Disposition"]
        Document.objects.all().delete()
    assert 'filename="a-b-c.md"' in exported(client, kept(caller, title="a/b\n\\c"))["Content-Disposition"]


def test_another_tenant_and_a_colleague_find_nothing_to_export(caller: Caller, stranger: Caller) -> None:
    conversation = kept(caller)
    Membership.objects.create(tenant=caller.tenant, user=stranger.user)
    for tenant in (stranger.tenant, caller.tenant):
        key = create_key(tenant=tenant, user=stranger.user, name="x")[1]
        answer = exported(Client(headers={"Authorization": f"Bearer {key}"}), conversation)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_renaming_a_conversation_leaves_it_where_it_stands_in_the_list(client: Client, caller: Caller) -> None:
    older = kept(caller, title="Older")
    Document.objects.all().delete()
    kept(caller, title="Newer")
    client.patch(f"/api/conversations/{older.id}/", {"title": "Renamed"}, "application/json")
    titles = [row["title"] for row in client.get("/api/conversations/").json()["results"]]
    assert titles == ["Newer", "Renamed"]
