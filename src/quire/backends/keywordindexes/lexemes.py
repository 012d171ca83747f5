"""Words as PostgreSQL's dictionaries shorten them (running → run), the same for text and for questions.

The dictionaries are asked word by word, and not its parser: what a word is, `terms` decides for every index alike, and
the parser's idea of a letter depends on the locale that the database was created with.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db.backends.utils import CursorWrapper

from quire.core.errors import PermanentError

_REMEMBERED_WORDS = 50_000
_LONGEST_LEXEME = 200
"""Characters; PostgreSQL takes 2,046 bytes."""
_ACCENTS_SAY_NOTHING = {"english", "simple"}
"""Elsewhere the dictionary is shown the accents first: many endings have one."""


class Lexicon:
    """`language` is a text search configuration of PostgreSQL: `english`, `german`, `simple`, or one's own."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._lexemes: dict[str, tuple[str, ...]] = {}

    def check(self, cursor: CursorWrapper) -> None:
        """Raise `PermanentError` (`search_language_unknown`) when the database has no such configuration."""
        cursor.execute("SELECT cfgname FROM pg_ts_config ORDER BY cfgname")
        known = [name for (name,) in cursor.fetchall()]
        if self.language not in known:
            raise PermanentError(
                f"The database knows no search language “{self.language}”: set QUIRE_SEARCH_LANGUAGE to "
                f"one of {', '.join(known)}.",
                code="search_language_unknown",
            )

    def lexemes(self, cursor: CursorWrapper, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Each word's lexemes: one, more for a compound in some languages, none for a stop word."""
        wanted = set(words)
        unknown = wanted - self._lexemes.keys()
        if len(self._lexemes) + len(unknown) > _REMEMBERED_WORDS:
            self._lexemes, unknown = {}, wanted
        if unknown:
            self._lexemes |= self._ask(cursor, sorted(unknown))
        return {word: self._lexemes[word] for word in wanted}

    def _ask(self, cursor: CursorWrapper, words: list[str]) -> dict[str, tuple[str, ...]]:
        shown = [plain(word) if self.language in _ACCENTS_SAY_NOTHING else word for word in words]
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector(%s::regconfig, word))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS asked (word, place) ORDER BY place",
            [self.language, [word[:_LONGEST_LEXEME] for word in shown]],
        )
        return {
            word: tuple(plain(lexeme) for lexeme in lexemes)
            for word, (lexemes,) in zip(words, cursor.fetchall(), strict=True)
        }


def plain(word: str) -> str:
    """Lower case, without the accents of Latin letters; no longer than a lexeme may be."""
    folded = word.casefold()
    if not folded.isascii():
        folded = "".join(_letter(character) for character in folded)
    return folded[:_LONGEST_LEXEME]


def _letter(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character
