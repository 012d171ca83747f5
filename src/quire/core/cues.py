"""What kind of thing a question asks for (a person, a date, a number), and whether a sentence names one."""

from __future__ import annotations

import re
from enum import Enum

from quire.core.questions import STOP_WORDS, stem, words

_NUMBER = re.compile(
    r"\bhow (?:many|much|long|old|far|high|large|tall|big|heavy|fast|deep|wide|often)\b"
    r"|\b(?:what|which) (?:number|percentage|percent|share|proportion|amount)\b"
    r"|\bwie ?viele?\b|\bcombien\b|\bcu[aá]nt[oa]s?\b",
    re.I,
)
_DATE = re.compile(
    r"^\W*(?:when|wann|quand|cuándo)\b|\b(?:what|which) (?:year|date|day|month|century|decade)\b|\bsince when\b", re.I
)
_PERSON = re.compile(r"^\W*(?:who|whom|whose|wer|wessen|qui|quién)\b|\bby whom\b", re.I)
_SAYS_WHEN = re.compile(
    r"\b(?:1\d|20)\d\d\b|\b\d{1,4} ?(?:BCE?|AD|CE)\b|\bcentur(?:y|ies)\b"
    r"|\b(?:January|February|March|April|June|July|August|September|October|November|December)\b|\bMay \d"
)
_NUMBERS = """
    two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty ninety
    hundred hundreds thousand thousands million millions billion half third thirds quarter dozen twice
"""
_NUMBER_WORDS = frozenset(_NUMBERS.split())
_NAME = re.compile(r"[^\W\d_][\w’'.-]*")


class Asked(Enum):
    """The kind of thing that answers a question."""

    PERSON = "person"
    DATE = "date"
    NUMBER = "number"


def asked_for(question: str) -> Asked | None:
    """None where the question's words do not tell."""
    for kind, cue in ((Asked.DATE, _DATE), (Asked.NUMBER, _NUMBER), (Asked.PERSON, _PERSON)):
        if cue.search(question):
            return kind
    return None


def names(sentence: str, kind: Asked, *, question: str) -> bool:
    """Whether `sentence` names such a thing that `question` does not name itself."""
    match kind:
        case Asked.DATE:
            return any(found.group() not in question for found in _SAYS_WHEN.finditer(sentence))
        case Asked.NUMBER:
            told = set(words(question))
            return any(_is_number(word) and word not in told for word in words(sentence))
        case Asked.PERSON:
            told = {stem(word) for word in words(question)} | STOP_WORDS
            return any(_is_new_name(word, told) for word in _NAME.findall(sentence)[1:])


def _is_number(word: str) -> bool:
    return word in _NUMBER_WORDS or any(map(str.isdigit, word))


def _is_new_name(word: str, told: set[str]) -> bool:
    folded = word.casefold()
    return word[0].isupper() and folded not in told and stem(folded) not in told
