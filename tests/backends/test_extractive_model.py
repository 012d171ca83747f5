"""Which sentences the extractive model quotes, and which it never does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from quire.backends.chatmodels.extractive import ExtractiveModel
from quire.core.types import Passage, Span, Vectors
from quire.testing.embedder import HashingEmbedder

BOOK = [
    "Table of contents\nTides ........ 3\nA Treatise of Tides\nThe tides of the sea follow the moon and the sun.",
    "Tides\nWhat is a tide?\nA tide is the rise and the fall of the sea under the pull of the moon. Page 3 of 9\n"
    "The tide rises twice a day under the pull of the moon.",
    "Harbours plan by the tides of the sea. A pilot waits for the rise of the tide. 12 13 14 15 16 17.\n"
    "© 2020 All rights reserved by the authors of this book.",
]


def passages(*texts: str) -> list[Passage]:
    return [
        Passage(
            number=number,
            chunk_id=str(number),
            document_id="book",
            document_name="book.pdf",
            text=text,
            spans=(Span(number, 0, len(text)),),
            score=0.4,
        )
        for number, text in enumerate(texts, start=1)
    ]


def quoted(question: str, *texts: str) -> list[str]:
    model = ExtractiveModel(embedder=HashingEmbedder(dimensions=512))
    return [piece.strip() for piece in model.stream(question=question, passages=passages(*texts))]


def test_the_sentence_that_answers_comes_first() -> None:
    assert quoted("What is a tide of the sea?", *BOOK)[0].startswith("A tide is the rise")


def test_an_overview_is_quoted_in_reading_order_and_without_boilerplate() -> None:
    told = quoted("What is this PDF about?", *BOOK)
    numbers = [int(number) for piece in told for number in re.findall(r"\[(\d+)\]$", piece)]
    assert 2 <= len(told) <= 4
    assert numbers == sorted(numbers)
    assert told[0] == "The tides of the sea follow the moon and the sun. [1]"
    assert not re.search(r"contents|reserved|Page 3|\?|13 14", " ".join(told))


@pytest.mark.parametrize("noise", ["", "Tides", "Table of contents", "Page 3 of 9", "What is this?", "3\n4\n5"])
def test_nothing_is_quoted_from_noise(noise: str) -> None:
    assert quoted("What is this PDF about?", noise) == []


def test_a_line_of_a_table_is_not_quoted_where_a_sentence_answers() -> None:
    table = "1667 Treaty of Breda: Run for Manhattan"
    body = "The quarrel ended with the Treaty of Breda: England gave up Run, and the Dutch gave up Manhattan."
    assert quoted("What did the Treaty of Breda do with Run and Manhattan?", table, body)[0] == f"{body} [2]"
    assert quoted("What did the Treaty of Breda do with Run and Manhattan?", table)[0].startswith(
        "1667 Treaty of Breda"
    )


def test_a_sentence_with_a_footnote_number_is_a_whole_one() -> None:
    table = "1667 Treaty of Breda: Run for Manhattan"
    body = "The quarrel ended with the Treaty of Breda: England gave up Run, and the Dutch gave up Manhattan.2"
    assert quoted("What did the Treaty of Breda do with Run and Manhattan?", table, body)[0] == f"{body} [2]"


def test_a_heading_over_a_passage_is_never_quoted() -> None:
    heading = "4.2 The Dutch monopoly on nutmeg"
    (only,) = passages(f"{heading}\nThe Dutch monopoly on nutmeg was broken by Pierre Poivre.")
    model = ExtractiveModel(embedder=HashingEmbedder(dimensions=512))
    told = list(model.stream(question="Dutch monopoly on nutmeg", passages=[replace(only, heading_path=(heading,))]))
    assert told == ["The Dutch monopoly on nutmeg was broken by Pierre Poivre. [1]"]


def test_a_sentence_with_the_kind_of_thing_that_is_asked_for_comes_first() -> None:
    text = "The vanilla orchid is hard to pollinate by hand. The vanilla orchid Edmond Albius did pollinate by hand."
    assert "Albius" in quoted("Who did pollinate the vanilla orchid by hand?", text)[0]


def test_the_sentence_that_goes_on_from_a_good_one_is_quoted_too() -> None:
    text = "The first message of the net went north by wire. The message was lo. Grain is sold by weight."
    assert [piece[:9] for piece in quoted("What was the first message of the net?", text)] == ["The first", "The messa"]


def test_the_same_sentence_is_quoted_once() -> None:
    repeated = "A tide is the rise and the fall of the sea."
    assert quoted("What is a tide, rise and fall of the sea?", repeated, repeated) == [f"{repeated} [1]"]


def test_references_inside_a_sentence_cannot_pass_for_citations() -> None:
    (only,) = quoted("What is a tide, the rise of the sea?", "A tide is the rise of the sea [2].")
    assert re.findall(r"\[\d+\]", only) == ["[1]"]


def test_no_more_sentences_are_embedded_than_can_be_in_time() -> None:
    embedder = HashingEmbedder(dimensions=64)
    counted: list[int] = []

    class Counting(HashingEmbedder):
        def embed_documents(self, texts):  # type: ignore[no-untyped-def]
            counted.append(len(texts))
            return embedder.embed_documents(texts)

    text = " ".join(f"The tide number {number} rises over the sea." for number in range(300))
    list(ExtractiveModel(embedder=Counting(dimensions=64)).stream(question="tide 7?", passages=passages(text)))
    assert max(counted) <= 24


def test_a_question_in_another_script_is_answered_by_its_words_or_not_at_all() -> None:
    text = "潮汐是海水的周期性涨落现象。月球的引力是潮汐的主要原因。港口每小时记录水位。"
    assert quoted("潮汐的主要原因是什么？", text)[0] == "月球的引力是潮汐的主要原因。 [1]"
    assert quoted("怎样烤面包？", text) == []


class Refusing(HashingEmbedder):
    """A provider's embedder that must not be asked."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError("asked")

    def embed_query(self, text: str) -> Vectors:
        raise AssertionError("asked")


def quoted_by_words(question: str, *texts: str) -> list[str]:
    model = ExtractiveModel(embedder=Refusing(), by_meaning=False)
    return [piece.strip() for piece in model.stream(question=question, passages=passages(*texts))]


def test_without_an_embedder_the_sentence_that_holds_the_words_answers() -> None:
    assert quoted_by_words("When does a pilot of the harbour wait?", *BOOK)[0].startswith("A pilot waits")


def test_without_an_embedder_what_the_passages_do_not_hold_is_not_answered() -> None:
    assert quoted_by_words("How long must spaghetti boil in salted water?", *BOOK) == []


def test_without_an_embedder_what_is_said_twice_is_quoted_once() -> None:
    told = quoted_by_words("What follows the moon?", "The tides follow the moon.", "Tides, they follow the moon.")
    assert len(told) == 1


def test_without_an_embedder_an_overview_is_given_too() -> None:
    assert quoted_by_words("What is this PDF about?", *BOOK)[0].startswith("The tides of the sea follow")
