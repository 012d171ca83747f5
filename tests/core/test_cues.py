"""What kind of thing a question asks for, and which sentences name one."""

from __future__ import annotations

import pytest

from quire.core.cues import Asked, asked_for, names


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who isolated piperine from pepper?", Asked.PERSON),
        ("By whom was vanilla pollinated?", Asked.PERSON),
        ("When was the treaty signed?", Asked.DATE),
        ("In what year did Magellan sail?", Asked.DATE),
        ("How many valves did ENIAC have?", Asked.NUMBER),
        ("What percentage is oil?", Asked.NUMBER),
        ("Wie viele Inseln gibt es?", Asked.NUMBER),
        ("What is nutmeg?", None),
        ("What happened when the ships came home?", None),
        ("How is vanilla grown?", None),
    ],
)
def test_a_question_tells_what_kind_of_thing_it_asks_for(question: str, kind: Asked | None) -> None:
    assert asked_for(question) is kind


@pytest.mark.parametrize(
    ("sentence", "kind", "question", "is_named"),
    [
        ("It was isolated by Hans Ørsted.", Asked.PERSON, "Who isolated it?", True),
        ("Pepper came to Rome by sea.", Asked.PERSON, "Who brought pepper to Rome?", False),
        ("The spice was dear.", Asked.PERSON, "Who sold it?", False),
        ("The treaty dates from 31 July 1667.", Asked.DATE, "When was the treaty signed?", True),
        ("In 1667 it was signed.", Asked.DATE, "When in 1667 was it signed?", False),
        ("It ended in the second century BC.", Asked.DATE, "When did it end?", True),
        ("You may go.", Asked.DATE, "When may I go?", False),
        ("It had 17,468 valves.", Asked.NUMBER, "How many valves?", True),
        ("Two thirds died.", Asked.NUMBER, "How many died?", True),
        ("The Intel 4004 had transistors.", Asked.NUMBER, "How many transistors had the 4004?", False),
    ],
)
def test_a_sentence_names_it_only_if_the_question_does_not(
    sentence: str, kind: Asked, question: str, is_named: bool
) -> None:
    assert names(sentence, kind, question=question) is is_named
