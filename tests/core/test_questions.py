"""What a question asks for."""

from __future__ import annotations

import pytest

from quire.core.questions import asks_for_overview, is_latin, stem, telling_words, words


@pytest.mark.parametrize(
    "question",
    [
        "What is this PDF about?",
        "what's this document about",
        "What is this about?",
        "Summarize",
        "Please summarise this file.",
        "Can you give me a short summary of the document?",
        "tl;dr",
        "What are the main points?",
        "What topics does this report cover?",
        "Give me an overview",
        "What does this paper say?",
        "Worum geht es in diesem Dokument?",
        "Fasse das Dokument zusammen",
        "¿De qué trata este documento?",
        "De quoi parle ce document ?",
        "这份文件讲什么？",
    ],
)
def test_a_question_about_the_whole_document_asks_for_an_overview(question: str) -> None:
    assert asks_for_overview(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is this PDF about tides?",
        "Summarize the vacation policy",
        "How many pages does this document have?",
        "Who wrote this document?",
        "What does the report say about revenue?",
        "What is balance billing?",
        "What is it?",
        "Worum geht es in Kapitel Gezeiten?",
        "?",
        "",
    ],
)
def test_a_question_that_names_a_subject_or_a_fact_does_not(question: str) -> None:
    assert not asks_for_overview(question)


def test_scripts_without_spaces_become_pairs() -> None:
    assert words("潮汐现象 and Tides") == ["潮汐", "汐现", "现象", "and", "tides"]


def test_numbers_keep_their_points_and_commas() -> None:
    assert words("It cost 1,234.50 in 2023.") == ["it", "cost", "1,234.50", "in", "2023"]


@pytest.mark.parametrize(
    ("one", "other"), [("plan", "plans"), ("policy", "policies"), ("cover", "covered"), ("service", "services")]
)
def test_forms_of_a_word_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_telling_words_are_the_stems_without_stop_words_each_once() -> None:
    assert telling_words("What is the plan, and which plans are there?") == ["plan"]


def test_vowel_signs_belong_to_their_word() -> None:
    assert words("ज्वार क्या है।") == ["ज्वार", "क्या", "है"]


def test_other_scripts_are_told_from_latin() -> None:
    assert [is_latin(text) for text in ("What? Über!", "", "Что такое NASA?", "潮汐", "ज्वार")] == [True, True] + [
        False
    ] * 3
