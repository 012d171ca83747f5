"""What counts as a word, the same for text and for questions: letters, digits and marks; pairs where no spaces are.

Scripts written without spaces, and Hangul, are indexed as overlapping pairs of characters (as Lucene's CJKBigramFilter
does): on Chinese questions the right page came first for 61 % instead of 30 %. Stemming and folding of case and accents
are left to the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_STOP_WORDS = """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing done during each few for from further had has have having he her here hers him his how i
    if in into is it its itself just me more most my no nor not now of off on once only or other our out over own please
    same shall she should so some such tell than that the their them then there these they this those through to too
    under until up very was we were what when where which while who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana, iteration marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7af"  # Hangul
    "]+"
)


class _OnlyWords(dict[int, int]):
    """For `str.translate`: keeps letters, numbers and marks, makes a space of all else; remembers what it was asked."""

    def __missing__(self, codepoint: int) -> int:
        kept = unicodedata.category(chr(codepoint))[0] in "LNM"
        self[codepoint] = codepoint if kept else 0x20
        return self[codepoint]


_only_words = _OnlyWords()


def searchable(text: str) -> str:
    """`text` as words between single spaces, unspaced scripts as pairs. Never holds quotes, controls or surrogates.

    The last character of an unspaced run stands alone as well: each character thus begins some word.
    """
    return " ".join(_words(text, _pairs_and_last))


def query_terms(text: str, *, limit: int = 64) -> list[str]:
    """The first `limit` different words to look for; stop words only when there is nothing else."""
    words = dict.fromkeys(word.casefold() for word in _words(text, _pairs))
    return ([word for word in words if word not in STOP_WORDS] or list(words))[:limit]


def is_fragment(term: str) -> bool:
    """True for a lone character of an unspaced script: to be looked for at the beginning of words."""
    return len(term) == 1 and _UNSPACED.fullmatch(term) is not None


def _words(text: str, split: Callable[[re.Match[str]], str]) -> list[str]:
    return _UNSPACED.sub(split, unicodedata.normalize("NFKC", text).translate(_only_words)).split()


def _pairs(match: re.Match[str]) -> str:
    run = match.group()
    return f" {' '.join(run[start : start + 2] for start in range(max(1, len(run) - 1)))} "


def _pairs_and_last(match: re.Match[str]) -> str:
    return f"{_pairs(match)}{match.group()[-1]} "
