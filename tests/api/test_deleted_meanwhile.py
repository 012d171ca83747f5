"""An answer whose conversation, or whose documents, are deleted while it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.test import Client
from tests.api.test_language_model import PEPPER, SAFFRON, ask, events, names
from tests.web.conftest import put as put

from quire import registry
from quire.chat.forgetting import GONE
from quire.chat.models import Conversation, Exchange
from quire.core.types import Passage, Turn
from quire.documents import services
from quire.documents.models import Document
from quire.tenants.services import Caller
from quire.testing.chat_model import ScriptedChatModel

Put = Callable[..., Document]

SAID = ["Saffron is red ", '[1: "Saffron', ' is red"].']


class Interrupted(ScriptedChatModel):
    """Has something happen after its first piece."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def stream(self, *, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Iterator[str]:
        first, *rest = super().stream(question=question, passages=passages, history=history)
        yield first
        self.meanwhile()
        yield from rest


@pytest.fixture
def model() -> Iterator[Interrupted]:
    model = Interrupted(SAID)
    with registry.using(chat_model=model):
        yield model


def begun(client: Client) -> str:
    made: dict[str, Any] = client.post("/api/conversations/", {"title": "Spices"}, "application/json").json()
    return str(made["id"])


def test_an_answer_whose_conversation_is_deleted_meanwhile_is_given_and_kept_nowhere(
    put: Put, client: Client, model: Interrupted
) -> None:
    put(SAFFRON)
    conversation = begun(client)
    model.meanwhile = lambda: client.delete(f"/api/conversations/{conversation}/")
    answer = ask(client, conversation_id=conversation)
    assert (answer["answer"], answer["conversation_id"]) == ("Saffron is red [1].", None)
    assert answer["citations"][0]["verified"]
    assert not Conversation.objects.exists()
    assert not Exchange.objects.exists()


def test_a_stream_whose_conversation_is_deleted_meanwhile_ends_well(
    put: Put, client: Client, model: Interrupted, api_key: str
) -> None:
    put(SAFFRON)
    conversation = begun(client)
    model.meanwhile = Conversation.objects.filter(id=conversation).delete
    found = events(api_key, conversation_id=conversation)
    assert names(found) == ["token", "token", "citations", "done"]
    assert found[-1][1]["conversation_id"] is None


def test_an_answer_stands_when_another_document_that_was_asked_is_deleted_meanwhile(
    put: Put, client: Client, caller: Caller, model: Interrupted
) -> None:
    saffron, pepper = put(SAFFRON, name="saffron.txt"), put(PEPPER, name="pepper.txt")
    model.meanwhile = lambda: services.delete(tenant=caller.tenant, document_id=pepper.id)
    answer = ask(client, document_ids=[str(saffron.id), str(pepper.id)])
    assert answer["answer"] == "Saffron is red [1]."
    kept = Conversation.objects.get(id=answer["conversation_id"])
    assert not kept.covers_all
    assert list(kept.documents.all()) == [saffron]
    assert kept.exchanges.get().answer == "Saffron is red [1]."


def test_a_stream_whose_only_document_is_deleted_meanwhile_ends_well_and_none_of_its_words_are_kept(
    put: Put, caller: Caller, model: Interrupted, api_key: str
) -> None:
    document = put(SAFFRON)
    model.meanwhile = lambda: services.delete(tenant=caller.tenant, document_id=document.id)
    found = events(api_key, document_ids=[str(document.id)])
    assert names(found) == ["token", "token", "citations", "done"]
    kept = Exchange.objects.get(conversation=found[-1][1]["conversation_id"])
    assert kept.answer == GONE
    assert "affron" not in str(kept.citations)
    assert not kept.conversation.covers_all
