"""What is a citation in a model's text, and what is not, wherever the stream is cut."""

from __future__ import annotations

import pytest

from quire.core.markers import MAX_QUOTED_CHARS, Cited, markers


def cited(text: str, *, is_last: bool = False) -> list[Cited]:
    return [each for marker in markers(text, is_last=is_last)[0] for each in marker.cited]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("[1]", [1]), ("[ 2 ]", [2]), ("[1, 3;4]", [1, 3, 4]), ("[1 2]", [1, 2]), ("a [1][2] b", [1, 2])],
)
def test_numbers_in_brackets_cite(text: str, numbers: list[int]) -> None:
    assert cited(text) == [Cited(number, "") for number in numbers]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[1: "the moon"]', ["the moon"]),
        ('[1:"the moon" ]', ["the moon"]),
        ("[1: “the moon”]", ["the moon"]),
        ("[1: «la lune»]", ["la lune"]),
        ("[1: 'the moon's pull']", ["the moon's pull"]),
        ('[1, "the moon"]', ["the moon"]),
        ("[1: the moon]", ["the moon"]),
        ('[1: "he said "go [3]" and left"]', ['he said "go [3]" and left']),
        ('[1: "moon"; 2: "sun"]', ["moon", "sun"]),
        ('[1: "moon", 2]', ["moon", ""]),
    ],
)
def test_a_number_may_come_with_the_words_it_stands_for(text: str, words: list[str]) -> None:
    assert [each.words for each in cited(text)] == words
    assert markers(text)[0][-1].end == len(text)


@pytest.mark.parametrize("text", ["[1 August]", "[see 1]", "[12345]", "[]", "[1, and more]", "[x](http://y)", "[[a]]"])
def test_other_brackets_are_text(text: str) -> None:
    assert cited(text) == []
    assert markers(text)[1] == len(text)


@pytest.mark.parametrize("text", ["a [", "a [1", "a [1,", "a [1:", 'a [1: "', 'a [1: "the moon"', "a [1: the", "a  "])
def test_what_may_become_a_citation_waits(text: str) -> None:
    assert markers(text) == ([], 1)


def test_a_quote_that_is_never_closed_cites_once_nothing_more_comes() -> None:
    assert cited('so [2: "the moon', is_last=True) == [Cited(2, "the moon")]
    assert cited('so [2: "the moon]', is_last=True) == [Cited(2, "the moon")]
    assert markers("so [2", is_last=True) == ([], len("so [2"))


def test_what_waits_is_never_long() -> None:
    text = '[1: "' + "moon " * MAX_QUOTED_CHARS
    assert markers(text)[1] > len(text) - 2


@pytest.mark.parametrize("text", ["[" * 40_000, '[1:"' * 10_000, '[1: "' + '1" , ' * 8_000, "[1,1" * 10_000])
def test_text_made_to_take_long_is_read_to_its_end(text: str) -> None:
    # With an expression that goes back and forth this would not end within anybody's life.
    assert markers(text)[1] >= len(text) - MAX_QUOTED_CHARS
