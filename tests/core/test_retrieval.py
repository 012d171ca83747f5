"""How two searches become one list, and what of a chunk is embedded."""

from __future__ import annotations

import pytest

from quire.core.retrieval import embedding_text, fuse, is_cut, overview_ordinals
from quire.core.types import Chunk, Hit, Span
from quire.testing.embedder import HashingEmbedder


def hits(*ids: str, score: float = 0.5) -> list[Hit]:
    return [Hit(id=each, score=score) for each in ids]


def chunk(text: str, *headings: str) -> Chunk:
    return Chunk(ordinal=0, text=text, spans=(Span(1, 0, len(text)),), tokens=9, heading_path=headings)


def order(found: list[Hit]) -> list[str]:
    return [hit.id for hit in found]


def test_what_both_searches_found_comes_first() -> None:
    assert order(fuse(hits("a", "b", "c"), hits("c", "d")))[0] == "c"


def test_nothing_that_one_search_found_is_lost_or_doubled() -> None:
    assert sorted(order(fuse(hits("a", "b"), hits("b", "c", "c")))) == ["a", "b", "c"]


def test_keywords_alone_and_vectors_alone_keep_their_order() -> None:
    assert order(fuse([], hits("a", "b"))) == ["a", "b"]
    assert order(fuse(hits("a", "b"), [])) == ["a", "b"]
    assert fuse([], []) == []


def test_a_heavier_keyword_search_wins_its_first_place() -> None:
    assert order(fuse(hits("a"), hits("b"), keyword_weight=2.0)) == ["b", "a"]
    assert order(fuse(hits("a"), hits("b"), keyword_weight=0.5)) == ["a", "b"]


def test_the_score_is_the_cosine_and_zero_for_keywords_alone() -> None:
    fused = fuse(hits("a", score=0.8), hits("b", score=17.0))
    assert {hit.id: hit.score for hit in fused} == {"a": 0.8, "b": 0.0}


def test_a_chunk_is_embedded_with_its_title_and_headings_before_it() -> None:
    assert embedding_text(chunk("High water.", "Tides", "Spring"), "Almanac") == "Almanac\nTides > Spring\nHigh water."


def test_what_is_missing_leaves_no_empty_line() -> None:
    assert embedding_text(chunk("High water."), "") == "High water."
    assert embedding_text(chunk("High water.", "Almanac"), "Almanac") == "Almanac\nHigh water."


def test_long_titles_and_headings_leave_room_for_the_text() -> None:
    text = embedding_text(chunk("High water.", "outer " * 90, "inner"), "title " * 90)
    assert len(text) < 300
    assert text.endswith("inner\nHigh water.")


def test_an_overview_reads_the_opening_and_then_all_over_the_document() -> None:
    assert overview_ordinals(3, limit=8) == [0, 1, 2]
    assert overview_ordinals(100, limit=8) == [0, 1, 2, 3, 4, 28, 52, 76]


class ReadsTwenty(HashingEmbedder):
    """A model of twenty tokens."""

    text_tokens = 20


@pytest.mark.parametrize(
    ("words", "title", "expected"), [(22, "", False), (23, "", True), (20, "Three long words", True)]
)
def test_a_chunk_is_cut_when_over_a_tenth_more_than_the_model_reads_stands_in_it_with_its_title(
    words: int, title: str, expected: bool
) -> None:
    text = "word " * words
    chunk = Chunk(ordinal=0, text=text.strip(), spans=(Span(1, 0, len(text) - 1),), tokens=words)
    assert is_cut(chunk, title, ReadsTwenty()) is expected


def test_what_is_counted_generously_is_counted_again_before_it_is_called_cut() -> None:
    chunk = Chunk(ordinal=0, text="word " * 10, spans=(Span(1, 0, 50),), tokens=40)
    assert not is_cut(chunk, "", ReadsTwenty())
