"""Language models at a provider: what they are told, what streams, and what becomes of an answer that does not come."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.backends.model_servers import TIMEOUT_S, gemini_model, gemini_server, openai_model, openai_server
from tests.contracts.chat_model_contract import PASSAGES, QUESTION

from quire.backends.chatmodels.thoughts import without_thoughts
from quire.core.errors import PermanentError, QuireError, TransientError
from quire.core.ports import ChatModel
from quire.core.prompt import NO_ANSWER
from quire.core.types import Turn
from quire.testing import gemini_server as gemini
from quire.testing import openai_server as openai
from quire.testing.gemini_server import GeminiServer
from quire.testing.model_server import ModelServer, Reply
from quire.testing.openai_server import OpenAIServer

__all__ = ["gemini_server", "openai_server"]

HISTORY = [Turn(question="What are neap tides?", answer="The low ones [2].")]
Pair = tuple[ModelServer, Callable[[], ChatModel]]


@pytest.fixture(params=["gemini", "openai"])
def pair(request: pytest.FixtureRequest, gemini_server: GeminiServer, openai_server: OpenAIServer) -> Pair:
    """A server, and what makes a model that speaks to it."""
    if request.param == "gemini":
        return gemini_server, lambda: gemini_model(gemini_server)
    return openai_server, lambda: openai_model(openai_server)


def ask(model: ChatModel) -> Iterator[str]:
    return model.stream(question=QUESTION, passages=PASSAGES)


def error_of(model: ChatModel, *, said: list[str] | None = None) -> QuireError:
    """The error that ends an answer; `said` gets what came before it."""
    pieces = said if said is not None else []
    with pytest.raises(QuireError) as caught:
        pieces.extend(ask(model))
    return caught.value


def test_pieces_come_as_they_are_made(pair: Pair) -> None:
    server, make = pair
    server.say("The moon", " pulls [1].")
    server.held_after = 1 if isinstance(server, GeminiServer) else 2  # OpenAI's first piece says who speaks
    pieces = ask(make())
    assert next(pieces) == "The moon"


def test_a_model_that_does_not_begin_is_given_up_long_before_its_timeout(
    gemini_server: GeminiServer, openai_server: OpenAIServer
) -> None:
    gemini_server.fail_next(Reply(delay_s=TIMEOUT_S / 2))
    openai_server.held_after = 1  # it says who speaks, and no more
    for model in (
        gemini_model(gemini_server, first_word_timeout_s=0.2),
        openai_model(openai_server, first_word_timeout_s=0.2),
    ):
        error = error_of(model)
        assert type(error) is TransientError
        assert "did not begin to answer within 0.2 s" in error.message


def test_a_model_that_was_given_up_is_hung_up_on(openai_server: OpenAIServer) -> None:
    openai_server.held_after = 1
    error_of(openai_model(openai_server, timeout_s=2, first_word_timeout_s=0.1))
    assert openai_server.was_hung_up.wait(60)


def test_a_question_is_not_written_again_by_a_model_that_hangs(pair: Pair) -> None:
    server, _ = pair
    server.fail_next(Reply(delay_s=TIMEOUT_S / 2))
    make = gemini_model if isinstance(server, GeminiServer) else openai_model
    with pytest.raises(TransientError, match=r"within 0.2 s"):
        make(server, first_word_timeout_s=0.2).rewrite(question=QUESTION, history=HISTORY)


def test_a_model_that_thinks_in_a_field_of_its_own_has_begun(openai_server: OpenAIServer) -> None:
    model = openai_model(openai_server, timeout_s=3.5, first_word_timeout_s=3)
    model.rewrite(question=QUESTION, history=HISTORY)  # makes its client, which takes long on a busy machine
    openai_server.thoughts = ["Moon?", "Sun?"]
    openai_server.held_after = 2
    error = error_of(model)
    assert "did not answer within 3.5 s" in error.message


def test_an_answer_that_nobody_waits_for_any_more_ends_the_call(pair: Pair) -> None:
    server, make = pair
    server.say("The moon", " pulls [1].")
    server.held_after = 2
    pieces = ask(make())
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert server.was_hung_up.wait(60)


def test_a_model_is_told_the_rules_the_turns_before_and_the_question(
    gemini_server: GeminiServer, openai_server: OpenAIServer
) -> None:
    for model in (gemini_model(gemini_server), openai_model(openai_server)):
        list(model.stream(question=QUESTION, passages=PASSAGES, history=HISTORY))
    told = gemini_server.calls[0].body
    assert "untrusted" in told["systemInstruction"]["parts"][0]["text"]
    assert [each["role"] for each in told["contents"]] == ["user", "model", "user"]
    assert told["contents"][-1]["parts"][0]["text"].endswith(QUESTION)
    messages = openai_server.calls[0].body["messages"]
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "user"]
    assert "untrusted" in messages[0]["content"]
    assert messages[-1]["content"].endswith(QUESTION)


def test_no_model_is_given_tools(gemini_server: GeminiServer, openai_server: OpenAIServer) -> None:
    for model in (gemini_model(gemini_server), openai_model(openai_server)):
        list(ask(model))
    assert "tools" not in gemini_server.calls[0].body | openai_server.calls[0].body


def test_a_question_without_passages_calls_nobody(pair: Pair) -> None:
    server, make = pair
    assert list(make().stream(question=QUESTION, passages=[])) == []
    assert server.calls == []


def test_a_question_that_the_passages_do_not_answer_gets_the_word_for_it(pair: Pair) -> None:
    _, make = pair
    assert "".join(make().stream(question="How long does pasta boil?", passages=PASSAGES)) == NO_ANSWER


def test_a_question_is_written_again_with_what_was_asked_before(pair: Pair) -> None:
    server, make = pair
    again = make().rewrite(question="When do they come?", history=HISTORY)
    assert again == "When do they come? What are neap tides?"
    assert len(server.calls) == 1


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "OTHER"])
def test_a_prompt_that_gemini_blocks_is_said_to_be_blocked(gemini_server: GeminiServer, reason: str) -> None:
    gemini_server.block = reason
    error = error_of(gemini_model(gemini_server))
    assert (type(error), error.code) == (PermanentError, "answer_blocked")
    assert reason in error.message


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII"])
def test_an_answer_that_gemini_stops_is_said_to_be_blocked(gemini_server: GeminiServer, reason: str) -> None:
    gemini_server.finish = reason
    assert error_of(gemini_model(gemini_server)).code == "answer_blocked"


def test_an_answer_that_openai_filters_or_refuses_is_said_to_be_blocked(openai_server: OpenAIServer) -> None:
    openai_server.fail_next(openai.error(400, "The response was filtered", kind="x", code="content_filter"))
    assert error_of(openai_model(openai_server)).code == "answer_blocked"
    openai_server.refusal = "I'm sorry, I can't help with that."
    assert error_of(openai_model(openai_server)).code == "answer_blocked"
    openai_server.refusal, openai_server.finish = None, "content_filter"
    assert error_of(openai_model(openai_server)).code == "answer_blocked"


def test_an_answer_without_candidates_is_an_empty_one(gemini_server: GeminiServer) -> None:
    gemini_server.has_candidates = False
    assert error_of(gemini_model(gemini_server)).code == "answer_empty"


def test_an_answer_without_a_word_is_an_empty_one(pair: Pair) -> None:
    server, make = pair
    server.say("")
    assert error_of(make()).code == "answer_empty"
    with pytest.raises(TransientError) as caught:
        make().rewrite(question=QUESTION, history=HISTORY)
    assert caught.value.code == "answer_empty"


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "MALFORMED_RESPONSE"])
def test_an_answer_that_gemini_does_not_end_is_said_to_be_cut(gemini_server: GeminiServer, finish: str) -> None:
    gemini_server.finish = finish
    said: list[str] = []
    assert error_of(gemini_model(gemini_server), said=said).code == "answer_cut"
    assert said


def test_an_answer_at_its_longest_is_said_to_be_cut(openai_server: OpenAIServer) -> None:
    openai_server.finish = "length"
    said: list[str] = []
    assert error_of(openai_model(openai_server), said=said).code == "answer_cut"
    assert said


def test_a_connection_that_breaks_in_the_middle_is_a_failure_that_may_pass(pair: Pair) -> None:
    server, make = pair
    assert isinstance(server, GeminiServer | OpenAIServer)
    server.finish = None
    said: list[str] = []
    error = error_of(make(), said=said)
    assert said
    assert isinstance(error, TransientError)


def test_an_error_in_the_middle_of_an_answer_is_one_of_ours(pair: Pair) -> None:
    server, make = pair
    server.breaks_with = gemini.overloaded() if isinstance(server, GeminiServer) else openai.overloaded()
    said: list[str] = []
    error = error_of(make(), said=said)
    assert said
    assert (type(error), error.code) == (TransientError, "service_unavailable")
    assert "overloaded" in error.message


def test_what_is_refused_before_the_first_word_is_an_error_of_ours(pair: Pair) -> None:
    server, make = pair
    is_gemini = isinstance(server, GeminiServer)
    server.fail_next(gemini.overloaded() if is_gemini else openai.overloaded())
    server.fail_next(gemini.over_quota() if is_gemini else openai.over_quota())
    assert [error_of(make()).code for _ in range(2)] == ["service_unavailable", "rate_limited"]


def test_an_unknown_model_is_said_with_the_setting_that_names_it(gemini_server: GeminiServer) -> None:
    error = error_of(gemini_model(gemini_server, model="gemini-0"))
    assert error.code == "provider_model_unknown"
    assert "QUIRE_CHAT_MODEL_NAME" in error.message


def test_what_a_model_thinks_aloud_is_no_part_of_its_answer(openai_server: OpenAIServer) -> None:
    openai_server.say("<th", "ink>Moon? ", "Sun?</thi", "nk>\n\n", "The moon", " [1].")
    assert "".join(ask(openai_model(openai_server))) == "The moon [1]."


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        (["<think>a</think>b"], "b"),
        (["\n<think>", "a", "</think>", "\n", "b", "c"], "\nbc"),
        (["<", "b"], "<b"),
        (["a <think>b</think>"], "a <think>b</think>"),
        (["<think>never done"], ""),
        ([" ", "\n"], ""),
        ([], ""),
    ],
)
def test_thoughts_are_taken_out_where_an_answer_begins_with_them(pieces: list[str], left: str) -> None:
    assert "".join(without_thoughts(iter(pieces))) == left
