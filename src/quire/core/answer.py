"""From a question and its passages to a streamed answer whose every `[n]` is resolved by us, and checked.

model's pieces → markers found, also when split over pieces → renumbered, unknown ones dropped → quote found on its page

A model that fails before its first word is stood in for by another; one that fails later leaves what it said.
Either way a `Notice` tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from quire.core.chunking import Splitter
from quire.core.errors import QuireError
from quire.core.markers import Marker, markers
from quire.core.ports import ChatModel
from quire.core.prompt import without_no_answer
from quire.core.quotes import PageText, Quote, find_quote, find_said
from quire.core.types import Answer, Citation, Notice, Passage, Turn

NOT_FOUND = "I could not find this in the document."
NOT_FOUND_ANYWHERE = "I could not find this in your documents."

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


Event = Token | Notice | Citations | Done
"""A `Notice` comes before the first `Token` when another model has to answer, and after the last when it broke off."""


def answer(
    *,
    question: str,
    passages: Sequence[Passage],
    model: ChatModel,
    split: Splitter,
    page_text: PageText,
    history: Sequence[Turn] = (),
    not_found: str = NOT_FOUND,
    stand_in: Callable[[], ChatModel] | None = None,
    notice: Notice | None = None,
) -> Generator[Event]:
    """Ask `model`, and stream what it says with its markers resolved; `not_found` when it says nothing.

    `split` finds the sentences of a passage, `page_text` the text of a page, against which each quote is checked.
    `stand_in` gives the model that answers where `model` fails before its first word; what fails later ends there,
    and says so: two models' words in one answer would be nobody's. `notice` is what the caller has to tell already.
    """
    speaker = _Speaker(question, passages, history, split, page_text)
    if notice:
        yield notice
    try:
        yield from speaker.tokens(model)
    except QuireError as error:
        if stand_in is None and not speaker.said:
            raise
        notice = _notice(error, notice, has_begun=bool(speaker.said))
        yield notice
        if stand_in is not None and not speaker.said:
            model = stand_in()
            yield from speaker.tokens(model)
    if not speaker.said:
        speaker.said.append(not_found)
        yield Token(text=not_found)
    yield Citations(citations=speaker.citations)
    grounded, text = bool(speaker.citations), "".join(speaker.said)
    yield Done(answer=Answer(text=text, citations=speaker.citations, grounded=grounded, model=model.id, notice=notice))


def _notice(error: QuireError, told: Notice | None, *, has_begun: bool) -> Notice:
    """Says what was told before as well."""
    before = f"{told.message} " if told else ""
    if has_begun:
        what = "The language model broke off: this answer may not be whole."
        return Notice(code="answer_cut", message=f"{before}{what} {error.message}")
    what = "The language model failed: only the documents' own sentences were looked through."
    return Notice(code="model_failed", message=f"{before}{what} {error.message}")


def literal(text: str) -> str:
    """`text` with an invisible word joiner inside `[1]`, so that a document's own references are not read as ours."""
    return _NUMBER_IN_BRACKETS.sub("[" + _WORD_JOINER, text)


class _Speaker:
    """Has a model speak, and collects what was said and cited on the way."""

    def __init__(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn],
        split: Splitter,
        page_text: PageText,
    ) -> None:
        self.said: list[str] = []
        self.citations: tuple[Citation, ...] = ()
        self._question = question
        self._passages = passages
        self._history = history
        self._sources = split, page_text

    def tokens(self, model: ChatModel) -> Iterator[Token]:
        """What `model` says. Closed, it ends the call to the model's provider; so it does on an error."""
        if not self._passages:
            return
        resolver = _Resolver(self._question, self._passages, *self._sources)
        stream = model.stream(question=self._question, passages=self._passages, history=self._history)
        try:
            for text in resolver.resolve(without_no_answer(stream) if model.is_generative else stream):
                self.said.append(text)
                self.citations = tuple(resolver.citations.values())
                yield Token(text=text)
        finally:
            if isinstance(stream, Generator):
                stream.close()


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
        rest, _ = self._resolved(held, is_last=True)
        if rest := rest.rstrip() if has_begun else rest.strip():
            yield rest

    def _resolved(self, text: str, *, is_last: bool = False) -> tuple[str, str]:
        """What of `text` can be said, and the end of it that may still become a marker."""
        said, at = "", 0
        found, until = markers(text, is_last=is_last)
        for marker in found:
            said += self._hear(text[at : marker.start]) + self._cite(marker)
            at = marker.end
        return said + self._hear(text[at:until]), text[until:]

    def _hear(self, text: str) -> str:
        """Remember what was said since the last marker: the claim that the next one supports."""
        if any(char.isalnum() for char in text):
            kept = "" if self._is_claim_cited else self._claim
            self._claim, self._is_claim_cited = (kept + text)[-_CLAIM_CHARS:], False
        return text

    def _cite(self, marker: Marker) -> str:
        known = [cited for cited in dict.fromkeys(marker.cited) if cited.number in self._passages]
        self._is_claim_cited = self._is_claim_cited or bool(known)
        numbers = dict.fromkeys(self._citation(self._passages[each.number], each.words).number for each in known)
        cited = "".join(f"[{number}]" for number in numbers)
        return marker.space + cited if cited else ""

    def _citation(self, passage: Passage, words: str) -> Citation:
        """By the words that the model copied; where it copied none, by the sentence that supports its claim best."""
        if words:
            quote = find_said(passage, words, page_text=self._page_text)
        else:
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
