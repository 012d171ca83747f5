"""Which sentences tell what a document is about."""

from __future__ import annotations

from quire.backends.chunkers.sentencizer import sentences
from quire.core.overview import candidates, overview
from quire.core.sentences import Sentence, quotable
from quire.core.types import Passage, Span
from quire.testing.embedder import HashingEmbedder

TEXTS = [
    "Tides\nFor ages sailors have wondered about the rise and fall of the sea. That question is old. "
    "This short account explains how moon and sun raise the tides of every coast.",
    "The tables that follow give heights for the port of Dover in metres. Hull is given as well in the same tables.",
    "A spring tide comes with the new moon and rises the highest of all tides. A neap tide comes with its quarters.",
    "Engines turned by tides were built at the mouth of the Rance in Brittany. Their blades are steel.",
]


def found(*texts: str) -> list[Sentence]:
    passages = [
        Passage(
            number=number,
            chunk_id=f"c{number}",
            document_id="d",
            document_name="tides.pdf",
            text=text,
            spans=(Span(number, 0, len(text)),),
        )
        for number, text in enumerate(texts, start=1)
    ]
    return list(quotable(passages, sentences))


def told(*texts: str, most: int = 4) -> list[Sentence]:
    chosen = candidates(found(*texts), limit=24)
    vectors = HashingEmbedder(dimensions=256).embed_documents([each.text for each in chosen])
    return overview(chosen, vectors, title="tides", most=most)


def test_it_begins_with_the_opening_statement_and_what_the_document_says_of_itself() -> None:
    said = [each.text for each in told(*TEXTS)]
    assert said[0].startswith("For ages sailors")
    assert said[1].startswith("This short account explains")


def test_every_part_of_the_document_has_a_say_in_reading_order() -> None:
    numbers = [each.passage.number for each in told(*TEXTS)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 3


def test_a_sentence_that_leans_on_the_one_before_is_not_told() -> None:
    assert not any(each.text.startswith("That question") for each in told(*TEXTS, most=9))


def test_no_more_is_told_than_there_is() -> None:
    assert [each.text[:7] for each in told(TEXTS[3])] == ["Engines"]


def test_candidates_come_from_every_passage_before_any_gives_a_second() -> None:
    assert [each.passage.number for each in candidates(found(*TEXTS), limit=4)] == [1, 2, 3, 4]
