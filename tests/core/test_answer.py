"""Markers resolved, quotes checked, and nothing said that was not streamed."""

from __future__ import annotations

import pytest

from quire.backends.chunkers.sentencizer import sentences
from quire.core.answer import NOT_FOUND, Citations, Done, Event, Token, answer, literal
from quire.core.errors import TransientError
from quire.core.types import Answer, Notice, Passage, Span
from quire.testing.chat_model import ScriptedChatModel

PAGES = {
    ("d1", 1): "Tides\nThe moon pulls at the sea. Spring tides follow\nthe new moon. Fish swim.",
    ("d1", 2): "Neap tides follow the quarters [3]. They are small.",
}
FIRST = Passage(
    number=1,
    chunk_id="c1",
    document_id="d1",
    document_name="tides.pdf",
    text=PAGES["d1", 1][6:] + "\n" + PAGES["d1", 2],
    spans=(Span(1, 6, len(PAGES["d1", 1])), Span(2, 0, len(PAGES["d1", 2]))),
)
LOST = Passage(
    number=2,
    chunk_id="c2",
    document_id="d1",
    document_name="tides.pdf",
    text="This stood in an older file.",
    spans=(Span(1, 0, 28),),
)


def page_text(document_id: str, page: int) -> str:
    return PAGES[document_id, page]


def events(*pieces: str, passages: tuple[Passage, ...] = (FIRST, LOST)) -> list[Event]:
    model = ScriptedChatModel(pieces)
    return list(answer(question="Tides?", passages=passages, model=model, split=sentences, page_text=page_text))


def ask(*pieces: str, passages: tuple[Passage, ...] = (FIRST, LOST)) -> Answer:
    last = events(*pieces, passages=passages)[-1]
    assert isinstance(last, Done)
    return last.answer


def test_tokens_come_first_then_citations_then_done() -> None:
    kinds = [type(event) for event in events("The moon pulls ", "at the sea [1]. ", "Truly.")]
    assert kinds == [Token, Token, Token, Citations, Done]


def test_the_text_of_the_answer_is_what_was_streamed() -> None:
    streamed = events("The moon [", "1", "] pulls [9] and", " pulls", " [2", "].")
    told = [event.text for event in streamed if isinstance(event, Token)]
    last = streamed[-1]
    assert isinstance(last, Done)
    assert "".join(told) == last.answer.text == "The moon [1] pulls and pulls [2]."


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
def test_markers_are_found_wherever_the_stream_is_cut(size: int) -> None:
    text = "The moon pulls at the sea [1]. Spring tides follow the new moon [1]. Old [7, 2]. List[0] stays."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    got = ask(*pieces)
    assert got.text == "The moon pulls at the sea [1]. Spring tides follow the new moon [2]. Old [3]. List stays."
    assert [citation.chunk_id for citation in got.citations] == ["c1", "c1", "c2"]


def test_numbers_are_given_in_order_of_first_use_and_once_a_quote() -> None:
    got = ask("Older file [2]. The moon pulls at the sea [1]. The moon pulls at the sea [1].")
    assert got.text == "Older file [1]. The moon pulls at the sea [2]. The moon pulls at the sea [2]."
    assert [citation.number for citation in got.citations] == [1, 2]


def test_a_quote_is_the_sentence_that_was_said_verbatim_with_its_place_on_the_page() -> None:
    (citation,) = ask("Spring tides follow the new moon. [1]").citations
    assert citation.quote == "Spring tides follow\nthe new moon."
    assert PAGES["d1", 1][citation.start : citation.end] == citation.quote
    assert (citation.page, citation.verified, citation.document_name) == (1, True, "tides.pdf")


def test_a_quote_on_the_second_page_of_a_passage_names_that_page() -> None:
    (citation,) = ask("Neap tides, it says, come at the quarters [1].").citations
    assert citation.page == 2
    assert PAGES["d1", 2][citation.start : citation.end] == citation.quote == "Neap tides follow the quarters [3]."


def test_a_quote_that_is_not_on_the_page_is_not_verified() -> None:
    (citation,) = ask("This stood in an older file [2].").citations
    assert (citation.verified, citation.start, citation.end) == (False, -1, -1)


def test_a_quote_found_elsewhere_on_its_page_is_verified_there() -> None:
    moved = Passage(
        number=1, chunk_id="c", document_id="d1", document_name="n", text="Fish swim.", spans=(Span(1, 0, 10),)
    )
    (citation,) = ask("Fish swim [1].", passages=(moved,)).citations
    assert citation.verified
    assert PAGES["d1", 1][citation.start : citation.end] == "Fish swim."


def test_two_markers_side_by_side_support_the_same_claim() -> None:
    got = ask("The moon pulls at the sea [2][1].")
    assert got.text == "The moon pulls at the sea [1][2]."
    assert got.citations[1].quote == "The moon pulls at the sea."


@pytest.mark.parametrize("pieces", [(), ("",), ("  ", "\n"), (" [99]",)])
def test_a_model_that_says_nothing_has_not_found_it(pieces: tuple[str, ...]) -> None:
    got = ask(*pieces)
    assert (got.text, got.citations, got.grounded) == (NOT_FOUND, (), False)


def test_without_passages_the_model_is_not_asked() -> None:
    model = ScriptedChatModel(["It is so."])
    list(answer(question="?", passages=(), model=model, split=sentences, page_text=page_text, not_found="No."))
    assert model.asked == []


def test_an_answer_without_a_citation_is_not_grounded() -> None:
    assert ask("The documents do not say.").grounded is False
    assert ask("The moon pulls [1].").grounded is True


def test_a_documents_own_reference_is_not_read_as_ours() -> None:
    got = ask(literal("Neap tides follow the quarters [3].") + " [1]", passages=(FIRST,))
    assert len(got.citations) == 1
    assert got.citations[0].quote == "Neap tides follow the quarters [3]."
    assert got.text.replace("\u2060", "") == "Neap tides follow the quarters [3]. [1]"


def test_the_words_that_a_model_copied_are_the_quote_and_not_shown_twice() -> None:
    got = ask('It pulls [1: "MOON pulls at"]. So [1: “Spring tides follow the new moon”].')
    assert got.text == "It pulls [1]. So [2]."
    assert [citation.quote for citation in got.citations] == ["moon pulls at", "Spring tides follow\nthe new moon"]
    assert all(PAGES["d1", 1][each.start : each.end] == each.quote for each in got.citations)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_copied_words_are_found_wherever_the_stream_is_cut(size: int) -> None:
    text = 'It pulls [1: "moon pulls at"] and [1: "Fish swim"; 1: "They are small."] so.'
    got = ask(*[text[at : at + size] for at in range(0, len(text), size)])
    assert got.text == "It pulls [1] and [2][3] so."
    assert [(each.quote, each.page) for each in got.citations] == [
        ("moon pulls at", 1),
        ("Fish swim", 1),
        ("They are small.", 2),
    ]


def test_words_that_are_not_there_are_shown_as_not_verified() -> None:
    (citation,) = ask('It pushes [1: "the moon pushes the sea"].').citations
    assert (citation.quote, citation.verified, citation.start) == ("the moon pushes the sea", False, -1)
    assert (citation.page, citation.chunk_id) == (1, "c1")


@pytest.mark.parametrize("words", ["oon pulls", "pulls a", "swi"])
def test_a_piece_of_a_word_is_no_quote(words: str) -> None:
    (citation,) = ask(f'It pulls [1: "{words}"].').citations
    assert not citation.verified


def test_of_words_around_an_ellipsis_the_longest_stand() -> None:
    (citation,) = ask('It pulls [1: "The moon … Spring tides follow the new moon"].').citations
    assert citation.quote == "Spring tides follow\nthe new moon"
    assert citation.verified


def test_words_over_two_pages_are_quoted_where_most_of_them_stand() -> None:
    (citation,) = ask('So [1: "swim. Neap tides follow the quarters"].').citations
    assert (citation.page, citation.quote, citation.verified) == (2, "Neap tides follow the quarters", True)


def test_a_number_out_of_range_is_dropped_with_its_words() -> None:
    assert ask('It pulls [9: "the moon"]. Yes [1].').text == "It pulls. Yes [1]."


def test_a_model_that_says_it_has_no_answer_has_not_found_it() -> None:
    got = ask("NO_", "ANSWER")
    assert (got.text, got.grounded) == (NOT_FOUND, False)


def failing(*pieces: str, stand_in: ScriptedChatModel | None) -> list[Event]:
    return list(
        answer(
            question="Tides?",
            passages=(FIRST,),
            model=ScriptedChatModel([*pieces, TransientError("It is away.")]),
            split=sentences,
            page_text=page_text,
            stand_in=(lambda: stand_in) if stand_in else None,
        )
    )


@pytest.mark.parametrize("pieces", [(), (" ",), (" [",), ("NO_",)])
def test_a_model_that_fails_before_its_first_word_is_stood_in_for(pieces: tuple[str, ...]) -> None:
    stand_in = ScriptedChatModel(["The moon pulls at the sea [1]."])
    stand_in.id = "stand-in"
    first, *_, last = failing(*pieces, stand_in=stand_in)
    assert isinstance(first, Notice)
    assert isinstance(last, Done)
    assert (first.code, "It is away." in first.message) == ("model_failed", True)
    assert last.answer.text == "The moon pulls at the sea [1]."
    assert (last.answer.model, last.answer.notice, last.answer.grounded) == ("stand-in", first, True)


def test_a_model_that_breaks_off_leaves_what_it_said_and_says_so() -> None:
    stand_in = ScriptedChatModel(["Never asked."])
    events = failing("The moon pulls at the sea [1]. It ", 'also [1: "Spr', stand_in=stand_in)
    assert [type(event) for event in events] == [Token, Token, Notice, Citations, Done]
    last = events[-1]
    assert isinstance(last, Done)
    assert last.answer.text == "The moon pulls at the sea [1]. It also"
    assert last.answer.notice is not None
    assert (last.answer.notice.code, len(last.answer.citations)) == ("answer_cut", 1)
    assert stand_in.asked == []


def test_without_a_stand_in_the_failure_is_the_callers() -> None:
    with pytest.raises(TransientError):
        failing(stand_in=None)


def test_a_stream_that_nobody_listens_to_any_more_is_closed() -> None:
    model = ScriptedChatModel(["The moon ", "pulls."])
    events = answer(question="?", passages=(FIRST,), model=model, split=sentences, page_text=page_text)
    assert isinstance(next(events), Token)
    events.close()
    assert model.ended == 1


def test_an_open_bracket_at_the_end_is_said_as_it_is() -> None:
    assert ask("See [1").text == "See [1"
