"""From a question and its passages to a streamed answer whose every `[n]` is resolved by us, and checked.

model's pieces → markers found, also when split over pieces → renumbered, unknown ones dropped → quote found on its page
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quire.core.chunking import Splitter
from quire.core.ports import ChatModel
from quire.core.quotes import PageText, Quote, find_quote
from quire.core.types import Answer, Citation, Passage, Turn

NOT_FOUND = "I could not find this in the document."
NOT_FOUND_ANYWHERE = "I could not find this in your documents."

_MARKER = re.compile(r"([ \t]{0,8})\[((?:\d{1,4}[\s,;]{0,3}){1,12})\]")
_MARKER_BEGUN = re.compile(r"[ \t]{0,8}(?:\[[\d\s,;]{0,72})?\Z")
_WORD_JOINER = "\u2060"
_NUMBER_IN_BRACKETS = re.compile(r"\[(?=\d)")
_CLAIM_CHARS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """All citations of the answer, in the order of their numbers; comes once, after the last `Token`."""

    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The last event. The answer's text is that of all tokens, joined."""

    answer: Answer


Event = Token | Citations | Done


def answer(
    *,
    question: str,
    passages: Sequence[Passage],
    model: ChatModel,
    split: Splitter,
    page_text: PageText,
    history: Sequence[Turn] = (),
    not_found: str = NOT_FOUND,
) -> Iterator[Event]:
    """Ask `model`, and stream what it says with its markers resolved; `not_found` when it says nothing.

    `split` finds the sentences of a passage, `page_text` the text of a page, against which each quote is checked.
    """
    pieces = model.stream(question=question, passages=passages, history=history) if passages else iter(())
    resolver = _Resolver(question, passages, split, page_text)
    said: list[str] = []
    for text in resolver.resolve(pieces):
        said.append(text)
        yield Token(text=text)
    if not said:
        said.append(not_found)
        yield Token(text=not_found)
    citations = tuple(resolver.citations.values())
    yield Citations(citations=citations)
    yield Done(answer=Answer(text="".join(said), citations=citations, grounded=bool(citations), model=model.id))


def literal(text: str) -> str:
    """`text` with an invisible word joiner inside `[1]`, so that a document's own references are not read as ours."""
    return _NUMBER_IN_BRACKETS.sub("[" + _WORD_JOINER, text)


class _Resolver:
    """Turns the model's text into ours, and collects the citations on the way."""

    def __init__(self, question: str, passages: Sequence[Passage], split: Splitter, page_text: PageText) -> None:
        self.citations: dict[tuple[str, Quote], Citation] = {}
        self._question = question
        self._passages = {passage.number: passage for passage in passages}
        self._split = split
        self._page_text = page_text
        self._claim = ""
        self._is_claim_cited = False

    def resolve(self, pieces: Iterable[str]) -> Iterator[str]:
        """The text in pieces that never end inside a marker; white space before anything is said is dropped."""
        held, has_begun = "", False
        for piece in pieces:
            done, held = self._resolved(held + piece)
            done = done if has_begun else done.lstrip()
            if done:
                has_begun = True
                yield done
        if rest := held.rstrip() if has_begun else held.strip():
            yield rest

    def _resolved(self, text: str) -> tuple[str, str]:
        """What of `text` can be said, and the end of it that may still become a marker."""
        said, at = "", 0
        for marker in _MARKER.finditer(text):
            said += self._hear(text[at : marker.start()]) + self._cite(marker)
            at = marker.end()
        begun = _MARKER_BEGUN.search(text, at)
        until = begun.start() if begun else len(text)
        return said + self._hear(text[at:until]), text[until:]

    def _hear(self, text: str) -> str:
        """Remember what was said since the last marker: the claim that the next one supports."""
        if any(char.isalnum() for char in text):
            kept = "" if self._is_claim_cited else self._claim
            self._claim, self._is_claim_cited = (kept + text)[-_CLAIM_CHARS:], False
        return text

    def _cite(self, marker: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", marker[2])]
        known = [self._passages[number] for number in dict.fromkeys(numbers) if number in self._passages]
        self._is_claim_cited = self._is_claim_cited or bool(known)
        cited = "".join(f"[{self._citation(passage).number}]" for passage in known)
        return marker[1] + cited if cited else ""

    def _citation(self, passage: Passage) -> Citation:
        claim = self._claim.replace(_WORD_JOINER, "") or self._question
        quote = find_quote(passage, claim, split=self._split, page_text=self._page_text)
        key = (passage.chunk_id, quote)
        if key not in self.citations:
            self.citations[key] = Citation(
                number=len(self.citations) + 1,
                chunk_id=passage.chunk_id,
                document_id=passage.document_id,
                document_name=passage.document_name,
                page=quote.page,
                quote=quote.text,
                start=quote.start,
                end=quote.end,
                verified=quote.verified,
            )
        return self.citations[key]
