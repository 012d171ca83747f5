"""Answers a prompt of `core.prompt` by a simple rule, so that questions work end to end without a language model.

The sentence of a passage that shares most words with the question, cited as the prompt asks; `NO_ANSWER` when none
shares enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from quire.core.prompt import NO_ANSWER
from quire.core.questions import telling_words

_PASSAGE = re.compile(
    r'<passage-(?P<mark>[0-9a-f]+) number="(?P<number>\d+)">\n(?P<text>.*?)\n</passage-(?P=mark)>', re.S
)
_QUESTION = re.compile(r"The question: (.*)\Z", re.S)
_AGAIN = re.compile(r"The last question, to be written again: (.*)\Z", re.S)
_SENTENCE = re.compile(r"[^\s.!?][^.!?]*[.!?]?")
_LEAST_SHARE = 0.5
"""Of the question's telling words, rounded down, that the sentence must hold."""
_QUOTED_WORDS = 12


class Told(NamedTuple):
    """A message as a provider gets it."""

    role: str
    text: str


def reply(messages: Sequence[Told]) -> list[str]:
    """The answer in pieces of a word; markers are cut in two, as a model's tokens cut them."""
    last = messages[-1].text
    if again := _AGAIN.search(last):
        earlier = [message.text for message in messages[:-1] if message.role == "user"]
        return [" ".join([again[1].strip(), *earlier[-1:]])]
    question = _QUESTION.search(last)
    said = _answer(question[1], last) if question else "Yes."
    return re.findall(r"\s*(?:\[|[^\s\[]+)", said)


def _answer(question: str, told: str) -> str:
    wanted = set(telling_words(question))
    found = [
        (len(wanted & set(telling_words(sentence))), -int(passage["number"]), sentence.strip())
        for passage in _PASSAGE.finditer(told)
        for sentence in _SENTENCE.findall(passage["text"].partition("\n\n")[2])
    ]
    shared, number, sentence = max(found, default=(0, 0, ""))
    if shared == 0 or shared < int(len(wanted) * _LEAST_SHARE):
        return NO_ANSWER
    quoted = " ".join(sentence.split()[:_QUOTED_WORDS]).replace('"', "")
    return f'{" ".join(sentence.split())} [{-number}: "{quoted}"]'
