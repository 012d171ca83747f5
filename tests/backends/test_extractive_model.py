"""Which sentences the extractive model quotes, and which it never does."""

from __future__ import annotations

import re

import pytest

from quire.backends.chatmodels.extractive import ExtractiveModel
from quire.core.types import Passage, Span
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
