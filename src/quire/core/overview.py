"""Which sentences tell what a document is about: its opening, what it says of itself, and the words of its title."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from quire.core.questions import telling_words
from quire.core.sentences import Sentence
from quire.core.types import Vectors

_OF_ITSELF_WEIGHT = 0.3
"""For "this paper shows…", in the first half of the candidates."""
_TITLE_WEIGHT = 0.15
_LEAD_WEIGHT = 0.05
"""For the first sentence of a passage, which often says what follows."""
_AGAIN_WEIGHT = 0.12
"""Taken off for each sentence already chosen of the same passage, so that the whole document has a say."""
_SAME = 0.85
"""A sentence nearer to a chosen one than this cosine adds nothing."""


def candidates(found: Sequence[Sentence], *, limit: int) -> list[Sentence]:
    """At most `limit` sentences that stand alone, in reading order, the first ones of every passage before the rest."""
    prose = sorted([each for each in found if each.is_prose] or found, key=_place)
    passages: dict[str, list[Sentence]] = {}
    for sentence in prose:
        passages.setdefault(sentence.passage.chunk_id, []).append(sentence)
    turns = chain.from_iterable(zip_longest(*passages.values()))
    return sorted([each for each in turns if each is not None][:limit], key=_place)


def overview(sentences: Sequence[Sentence], vectors: Vectors, *, title: str, most: int) -> list[Sentence]:
    """Up to `most` of the candidates, in reading order, the first one always.

    `vectors` has shape `(len(sentences), dimensions)`.
    """
    centrality = vectors @ vectors.mean(axis=0)
    worth = centrality + _TITLE_WEIGHT * _about(sentences, title) + _LEAD_WEIGHT * _leads(sentences)
    for index in range((len(sentences) + 1) // 2):
        worth[index] += _OF_ITSELF_WEIGHT * sentences[index].is_of_itself
    chosen = [0]
    while len(chosen) < most:
        rest = [
            index
            for index in range(len(sentences))
            if index not in chosen and all(float(vectors[index] @ vectors[other]) < _SAME for other in chosen)
        ]
        if not rest:
            break
        chosen.append(max(rest, key=lambda index: worth[index] - _AGAIN_WEIGHT * _times(sentences, chosen, index)))
    return [sentences[index] for index in sorted(chosen)]


def _about(sentences: Sequence[Sentence], title: str) -> NDArray[np.float64]:
    """The share of the title's words that each sentence holds, 0 to 1."""
    wanted = set(telling_words(title))
    return np.array([len(wanted & each.stems) / max(1, len(wanted)) for each in sentences], dtype=np.float64)


def _leads(sentences: Sequence[Sentence]) -> NDArray[np.float64]:
    before = [None, *(each.passage.chunk_id for each in sentences)]
    return np.array([each.passage.chunk_id != last for each, last in zip(sentences, before, strict=False)], np.float64)


def _times(sentences: Sequence[Sentence], chosen: Sequence[int], index: int) -> int:
    return sum(sentences[other].passage.chunk_id == sentences[index].passage.chunk_id for other in chosen)


def _place(sentence: Sentence) -> tuple[str, int, int, int]:
    first = sentence.passage.spans[0]
    return sentence.passage.document_id, first.page, first.start, sentence.start
