"""Words of a text and of a question."""

from __future__ import annotations

from quire.backends.keywordindexes.terms import query_terms, searchable


def test_punctuation_and_controls_become_spaces() -> None:
    assert searchable('a"b\x00c\nd_e — f') == "a b c d e f"


def test_chinese_becomes_pairs_and_the_last_character() -> None:
    assert searchable("GDP增长率2%") == "GDP 增长 长率 率 2"


def test_a_question_has_pairs_only() -> None:
    assert query_terms("增长率") == ["增长", "长率"]


def test_a_question_loses_its_stop_words_and_repeats() -> None:
    assert query_terms("What is the Turbine, and what is a turbine?") == ["turbine"]


def test_a_question_of_stop_words_keeps_them() -> None:
    assert query_terms("What is it?") == ["what", "is", "it"]


def test_a_long_question_is_capped() -> None:
    assert query_terms(" ".join(f"w{number}" for number in range(500)), limit=64) == [f"w{n}" for n in range(64)]


def test_vowel_signs_stay_in_their_word() -> None:
    assert searchable("दिल्ली है।") == "दिल्ली है"
