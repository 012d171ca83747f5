"""Keyword search by PostgreSQL's full-text index in Django's own database, ranked by BM25 (ADR 0003).

    quire_keyword   one row a chunk: its lexemes with their places; no text

Tenant and document are keys of the same inverted index (column `scope`), so that a question about one document meets
its own postings first. PostgreSQL's own ranking counts a common word as much as a rare one; but the `ts_rank` of a
single lexeme tells how often it stands there: BM25 is computed from that, over the rows that hold any of the words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from quire.backends.keywordindexes.lexemes import Lexicon, plain
from quire.backends.keywordindexes.terms import is_fragment, query_terms, searchable
from quire.backends.postgres_session import create_once, reading, writing
from quire.core.types import Hit, VectorRecord

_ROWS = 500
"""Rows sent with one statement."""
_LAST_PLACE = 16_383
"""PostgreSQL counts no further within one text, and keeps at most 255 places of one lexeme."""
_PLACES = 255
_WEIGHTS = "'{0, 0.5, 0.5, 1}'"
"""Of unlabelled lexemes, of headings (C), source (B) and text (A)."""
_COUNTED_CHUNKS = 50_000
"""Chunks in scope are counted so far: how rare a word is among more of them hardly changes an order."""
_K1, _B = 1.2, 0.75
"""Robertson's usual constants, which FTS5 has as well."""
_INVERSE_SQUARES = 1.64493406685
"""`ts_rank` of one lexeme that stands in n places: (1 + 1/4 + … + 1/n²) / this."""

_SCHEMA = (
    """CREATE TABLE quire_keyword (
        namespace text NOT NULL, chunk uuid NOT NULL, ingestion uuid NOT NULL, scope uuid[] NOT NULL,
        length integer NOT NULL, words tsvector NOT NULL, PRIMARY KEY (namespace, chunk))
        WITH (toast_tuple_target = 8160)""",
    # In the row itself, as it is: the ranking reads it once a word of the question.
    "ALTER TABLE quire_keyword ALTER COLUMN words SET STORAGE EXTERNAL",
    "CREATE INDEX quire_keyword_ingestion ON quire_keyword (namespace, ingestion)",
    # No list of pending rows, which each search would have to read through.
    "CREATE INDEX quire_keyword_words ON quire_keyword USING gin (scope, words) WITH (fastupdate = off)",
)
_UPSERT = """
    INSERT INTO quire_keyword (namespace, chunk, ingestion, scope, length, words)
    SELECT %s, chunk, ingestion, ARRAY[%s, upload], length, words::tsvector
    FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::integer[], %s::text[])
        AS given (chunk, ingestion, upload, length, words)
    ON CONFLICT (namespace, chunk) DO UPDATE SET
        ingestion = excluded.ingestion, scope = excluded.scope, length = excluded.length, words = excluded.words
"""


class PostgresKeywordIndex:
    """Follows `core.ports.KeywordIndex`; each call joins the caller's transaction where there is one."""

    def __init__(self, *, language: str = "english", alias: str = "default") -> None:
        self._lexicon = Lexicon(language)
        self._alias = alias

    def prepare(self) -> None:
        with writing(self._alias) as cursor:
            self._lexicon.check(cursor)
            create_once(cursor, table="quire_keyword", schema=_SCHEMA)

    def upsert(self, namespace: str, records: Sequence[VectorRecord]) -> None:
        # In one order everywhere, so that two writers of the same chunks wait for each other and never in a circle.
        latest = sorted({UUID(record.id): record.metadata for record in records}.items())
        with writing(self._alias) as cursor:
            for start in range(0, len(latest), _ROWS):
                some = latest[start : start + _ROWS]
                fields = [_fields(metadata) for _, metadata in some]
                known = self._lexicon.lexemes(cursor, (word for words in fields for _, word in words))
                columns = (
                    [chunk for chunk, _ in some],
                    [UUID(metadata["ingestion_id"]) for _, metadata in some],
                    [UUID(metadata["upload_id"]) for _, metadata in some],
                    [len(words) for words in fields],
                    [_tsvector(words, known) for words in fields],
                )
                cursor.executemany(_UPSERT, [(namespace, _scope_key(namespace), *columns)])

    def query(self, namespace: str, text: str, *, limit: int, upload_ids: Sequence[str] | None = None) -> list[Hit]:
        words = query_terms(text)
        if limit < 1 or not words:
            return []
        scope = [_scope_key(namespace)] if upload_ids is None else [UUID(upload_id) for upload_id in upload_ids]
        with reading(self._alias, jit="off") as cursor:
            terms = _terms(words, self._lexicon.lexemes(cursor, words))
            parameters: dict[str, Any] = {
                "scope": scope,
                "namespace": namespace,
                "any": " | ".join(terms),
                "limit": limit,
            }
            parameters |= {f"term{number}": term for number, term in enumerate(terms)}
            cursor.execute(_ranking(len(terms)), parameters)
            return [Hit(id=str(chunk), score=score) for chunk, score in cursor.fetchall()]

    def count(self, namespace: str, *, ingestion_id: str) -> int:
        with reading(self._alias) as cursor:
            cursor.execute(
                "SELECT count(*) FROM quire_keyword WHERE namespace = %s AND ingestion = %s",
                [namespace, UUID(ingestion_id)],
            )
            return int(cursor.fetchone()[0])

    def delete(self, namespace: str, *, ingestion_id: str) -> None:
        with writing(self._alias) as cursor:
            cursor.execute(
                "DELETE FROM quire_keyword WHERE namespace = %s AND ingestion = %s", [namespace, UUID(ingestion_id)]
            )


def _fields(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each word to index, in order, with the label of where it stands."""
    headings = metadata.get("headings") or ""
    if not isinstance(headings, str):
        headings = " ".join(headings)
    texts = {"A": metadata["text"], "B": metadata.get("source") or "", "C": headings}
    return [(label, word.casefold()) for label, text in texts.items() for word in searchable(text).split()]


def _tsvector(words: Iterable[tuple[str, str]], known: Mapping[str, tuple[str, ...]]) -> str:
    """PostgreSQL's own form. A stop word is indexed as it is: a question may consist of nothing else."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for place, (label, word) in enumerate(words, start=1):
        for lexeme in known[word] or (plain(word),):
            if len(places[lexeme]) < _PLACES:
                places[lexeme].append(f"{min(place, _LAST_PLACE)}{label}")
    return " ".join(f"{_quoted(lexeme)}:{','.join(where)}" for lexeme, where in places.items())


def _terms(words: Sequence[str], known: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Each word as a tsquery of its own; stop words of the language only when there is nothing else."""
    telling = [word for word in words if known[word]] or words
    lexemes = {word: known[word] or (plain(word),) for word in telling}
    marks = {word: ":*" if is_fragment(word) else "" for word in telling}
    terms = (" | ".join(f"{_quoted(lexeme)}{marks[word]}" for lexeme in lexemes[word]) for word in telling)
    return list(dict.fromkeys(terms))


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _scope_key(namespace: str) -> UUID:
    return UUID(bytes=blake2b(namespace.encode(), digest_size=16).digest())


def _ranking(terms: int) -> str:
    """BM25 as SQL. How many rows hold a word, and how long rows are, is counted among those in scope."""
    numbers = range(terms)
    ranks = ", ".join(f"ts_rank({_WEIGHTS}, words, %(term{n})s::tsquery) AS rank{n}" for n in numbers)
    counts = ", ".join(f"count(*) FILTER (WHERE rank{n} > 0) AS rows{n}" for n in numbers)
    rarity = ", ".join(
        f"ln(1 + (greatest(total, rows{n}) - rows{n} + 0.5) / (rows{n} + 0.5)) AS idf{n}" for n in numbers
    )
    score = " + ".join(_term_score(n) for n in numbers)
    return f"""
        WITH hit AS MATERIALIZED (
            SELECT chunk, length, {ranks} FROM quire_keyword
            WHERE scope && %(scope)s::uuid[] AND words @@ %(any)s::tsquery AND namespace = %(namespace)s),
        held AS (SELECT greatest(avg(length), 1)::float AS mean_length, {counts} FROM hit),
        scoped AS (SELECT count(*) AS total FROM (
            SELECT 1 FROM quire_keyword WHERE scope && %(scope)s::uuid[] AND namespace = %(namespace)s
            LIMIT {_COUNTED_CHUNKS}) AS counted),
        idf AS (SELECT mean_length, {rarity} FROM held, scoped)
        SELECT chunk, ({score})::float AS score FROM hit, idf ORDER BY score DESC, chunk LIMIT %(limit)s
    """  # noqa: S608 (numbers and constants)


def _term_score(n: int) -> str:
    """The tail of the sum of inverse squares after n terms is 1 / (n + ½), nearly: so a rank becomes a count."""
    count = f"(1 / ({_INVERSE_SQUARES} * (1 - rank{n})) - 0.5)"
    length = f"{_K1} * ({1 - _B} + {_B} * length / mean_length)"
    return f"CASE WHEN rank{n} > 0 THEN idf{n} * {_K1 + 1} * {count} / ({count} + {length}) ELSE 0 END"
