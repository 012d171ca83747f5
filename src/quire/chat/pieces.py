"""An answer as it is shown: its words, where they turn bold, and the citations between them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from quire.core.types import Citation

EXTRACTIVE = "extractive"
"""The id of the model that quotes: `**` in a document's own sentences stands for itself."""

_NUMBER = re.compile(r"(\[\d+\])")
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]+)(?<=\S)\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A run of an answer's text. It is all that an answer can be besides citations: no link, picture or tag of its own
    ever becomes one."""

    text: str
    is_strong: bool


def pieces(answer: str, *, citations: Iterable[Citation], model: str) -> list[Words | Citation]:
    """The answer cut at its citation numbers, and where it turns bold; a number without citation stays text."""
    by_number = {f"[{citation.number}]": citation for citation in citations}
    runs = [answer] if model == EXTRACTIVE else _STRONG.split(answer)
    return [
        by_number.get(piece) or Words(text=piece, is_strong=index % 2 == 1)
        for index, run in enumerate(runs)
        for piece in _NUMBER.split(run)
        if piece
    ]
