"""The sentences of the passages a question found, and which of them can stand alone in an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quire.core.chunking import Splitter
from quire.core.questions import telling_words, words
from quire.core.types import Passage

_BOILERPLATE = re.compile(
    r"table of contents|all rights reserved|©|\bcopyright\b|page \d+ of \d+|this page (?:is )?intentionally"
    r"|\.{4,}|(?:\. ){4,}|inhaltsverzeichnis|\bindex\b$|no part of this (?:book|publication|document)"
    r"|\bISBN\b|generated using|check ?mark|\binformation contained (?:in|herein)\b"
    r"|\bmakes? no (?:representation|warrant)",
    re.I,
)
_STOP = re.compile(r"[.!。！।॥؟…:;][”’\"')\]]*$|[^\W\d_][.!][”’\"')\]]*\d{1,2}$")
"""A footnote's number may follow: "the island of Manhattan.2"."""
_BULLETS = "•●◦▪‣∙"
_LABEL = re.compile(r"^(?:[•●◦▪‣∙·*–—-]|\(?\d{1,3}[.)])\s+")
_LEANING = re.compile(
    r"(?:that|this|these|those|it|its|they|he|she|however|therefore|thus|also|additionally|moreover|furthermore"
    r"|in addition|for example|second|third|finally|dies|diese[rs]?|es|sie|er)\b",
    re.I,
)
_OF_ITSELF = re.compile(
    r"\b(?:this|the present) (?:\w+ ){0,2}(?:account|article|book|chapter|contribution|document|guide|handbook|manual"
    r"|memo|note|paper|policy|report|review|study|survey|thesis|work)\b"
    r"|\bwe (?:describe|introduce|investigate|present|propose|study)\b"
    r"|\bdies(?:e[rs]?|em) (?:arbeit|artikel|aufsatz|beitrag|bericht|buch|dokument|handbuch)\b"
    r"|\b(?:ce|cet) (?:article|document|livre|papier|rapport)\b|\bnous (?:présentons|proposons)\b"
    r"|\beste (?:artículo|documento|informe|libro|trabajo)\b",
    re.I,
)
_LONGEST_CHARS = 700
_FEWEST_WORDS = 3
_HEADING_WORDS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a passage; `stems` are its telling words."""

    text: str
    passage: Passage
    start: int
    """Where it begins in the passage's text."""
    stems: frozenset[str]

    @property
    def is_whole(self) -> bool:
        """Ends as a sentence does, or is an item of a list; a heading, a line of contents, a table's row is neither."""
        return bool(_STOP.search(self.text)) or self.text[0] in _BULLETS

    @property
    def is_of_itself(self) -> bool:
        """Tells what the document is or does: "This paper shows…"."""
        return bool(_OF_ITSELF.search(self.text))

    @property
    def is_prose(self) -> bool:
        """Stands alone: a full sentence of words rather than figures, no list item, not leaning on the one before."""
        if _LABEL.match(self.text) or (_LEANING.match(self.text) and not self.is_of_itself):
            return False
        letters = sum(char.isalpha() or char.isspace() for char in self.text)
        return self.is_whole and len(words(self.text)) > _HEADING_WORDS - 3 and letters > 0.8 * len(self.text)


def quotable(passages: Sequence[Passage], split: Splitter) -> Iterator[Sentence]:
    """The sentences that could be an answer, each once: no headings, questions, contents or page numbers."""
    seen: set[str] = set()
    for passage in passages:
        seen.update(" ".join(heading.split()) for heading in passage.heading_path)
        for start, end in split(passage.text):
            text = " ".join(passage.text[start:end].split())
            if text not in seen and _is_quotable(text):
                seen.add(text)
                yield Sentence(text=text, passage=passage, start=start, stems=frozenset(telling_words(text)))


def _is_quotable(text: str) -> bool:
    if len(text) > _LONGEST_CHARS or text.endswith(("?", "？", ":", "؟")) or _BOILERPLATE.search(text):
        return False
    said = words(text)
    count = len(said) if any(char.isalpha() for word in said for char in word) else 0
    is_listed = _LABEL.match(text) is not None or any(char.isdigit() for char in text)
    return count >= _FEWEST_WORDS and (bool(_STOP.search(text)) or count >= _HEADING_WORDS or is_listed)
