"""Keyword search by PostgreSQL's full-text index in Django's own database, ranked by BM25 (ADR 0003).

    quire_keyword   one row a chunk: its lexemes with their places; no text

Tenant and document are keys of the same inverted index (column `scope`), so that a question about one document meets
its own postings first. In a large tenant only chunks that hold one of the question's rarer words are ranked, by all of
its words: what holds none but common ones could hardly come before them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from quire.backends.keywordindexes.bm25 import ranking
from quire.backends.keywordindexes.lexemes import Lexicon, plain
from quire.backends.keywordindexes.terms import is_fragment, query_terms, searchable
from quire.backends.postgres_session import create_once, reading, writing
from quire.core.types import Hit, VectorRecord

_ROWS = 500
"""Rows sent with one statement."""
_LAST_PLACE = 16_383
"""PostgreSQL counts no further within one text, and keeps at most 255 places of one lexeme."""
_PLACES = 255
_RANKED_CHUNKS = 10_000
"""About 40 ms of a core."""

_SCOPE = "scope && %(scope)s::uuid[]"
"""Without the namespace, which the keys stand for: the planner would read the tenant's whole index beside."""
_SESSION = {
    "jit": "off",  # compiling takes longer than most searches
    "max_parallel_workers_per_gather": "0",  # nor is starting workers worth it; and estimates would be of one's share
}

_SCHEMA = (
    """CREATE TABLE quire_keyword (
        namespace text NOT NULL, chunk uuid NOT NULL, ingestion uuid NOT NULL, scope uuid[] NOT NULL,
        length integer NOT NULL, words tsvector NOT NULL, PRIMARY KEY (namespace, chunk))
        WITH (toast_tuple_target = 8160)""",
    # In the row itself, as it is: the ranking reads it once for each word of the question.
    "ALTER TABLE quire_keyword ALTER COLUMN words SET STORAGE EXTERNAL",
    "CREATE INDEX quire_keyword_ingestion ON quire_keyword (namespace, ingestion)",
    # No list of pending rows, which each search would have to read through.
    "CREATE INDEX quire_keyword_words ON quire_keyword USING gin (scope, words) WITH (fastupdate = off)",
)
_UPSERT = """
    INSERT INTO quire_keyword (namespace, chunk, ingestion, scope, length, words)
    SELECT %s, chunk, ingestion, ARRAY[%s, document], length, words::tsvector
    FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::integer[], %s::text[])
        AS given (chunk, ingestion, document, length, words)
    ON CONFLICT (namespace, chunk) DO UPDATE SET
        ingestion = excluded.ingestion, scope = excluded.scope, length = excluded.length, words = excluded.words
"""


class PostgresKeywordIndex:
    """Follows `core.ports.KeywordIndex`; each call joins the caller's transaction where there is one."""

    def __init__(
        self, *, language: str = "english", alias: str = "default", ranked_chunks: int = _RANKED_CHUNKS
    ) -> None:
        self._lexicon = Lexicon(language)
        self._alias = alias
        self._ranked_chunks = ranked_chunks

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
                    [_scope_key(namespace, metadata["upload_id"]) for _, metadata in some],
                    [len(words) for words in fields],
                    [_tsvector(words, known) for words in fields],
                )
                cursor.executemany(_UPSERT, [(namespace, _scope_key(namespace), *columns)])

    def query(self, namespace: str, text: str, *, limit: int, upload_ids: Sequence[str] | None = None) -> list[Hit]:
        words = query_terms(text)
        if limit < 1 or not words:
            return []
        scopes = [""] if upload_ids is None else upload_ids
        parameters: dict[str, Any] = {"scope": [_scope_key(namespace, upload_id) for upload_id in scopes]}
        most = max(self._ranked_chunks, 2 * limit)
        with reading(self._alias, **_SESSION) as cursor:
            terms = _terms(words, self._lexicon.lexemes(cursor, words))
            total, rows = _estimates(cursor, terms, parameters, most=most)
            driving = _rarest(rows, most=most)
            parameters |= {"any": " | ".join(terms[n] for n in driving), "total": total, "most": most, "limit": limit}
            parameters |= {f"term{n}": term for n, term in enumerate(terms)}
            parameters |= {f"rows{n}": count for n, count in enumerate(rows)}
            cursor.execute(ranking(terms=len(terms), driving=driving, scope=_SCOPE), parameters)
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


def _scope_key(namespace: str, upload_id: str = "") -> UUID:
    """Stands for a namespace, or for a document in it; no two of them share one."""
    name = f"{UUID(upload_id)} {namespace}" if upload_id else namespace
    return UUID(bytes=blake2b(name.encode(), digest_size=16, person=b"upload" if upload_id else b"").digest())


def _estimates(
    cursor: CursorWrapper, terms: Sequence[str], parameters: dict[str, Any], *, most: int
) -> tuple[int, list[int]]:
    """How many chunks are in scope, and how many of them hold each term: by the planner, where there are more than
    `most`; else counted, and 0 for each term, since all can be ranked."""
    counted = f"SELECT count(*) FROM (SELECT 1 FROM quire_keyword WHERE {_SCOPE} LIMIT {most + 1}) AS counted"  # noqa: S608 (ours)
    cursor.execute(counted, parameters)
    total = int(cursor.fetchone()[0])
    if total <= most:
        return total, [0] * len(terms)
    everything = f"SELECT FROM quire_keyword WHERE {_SCOPE}"
    of_terms = (f" UNION ALL {everything} AND words @@ %(term{n})s::tsquery" for n in range(len(terms)))
    cursor.execute(
        f"EXPLAIN (FORMAT JSON) {everything}{''.join(of_terms)}",
        parameters | {f"term{n}": term for n, term in enumerate(terms)},
    )
    first, *others = (int(plan["Plan Rows"]) for plan in cursor.fetchone()[0][0]["Plan"]["Plans"])
    return max(total, first), others


def _rarest(rows: Sequence[int], *, most: int) -> list[int]:
    """Numbers of the rarest terms, as many as `most` chunks may hold together; one at least."""
    by_rarity = sorted(range(len(rows)), key=lambda n: rows[n])
    together = accumulate(rows[n] for n in by_rarity)
    return [n for place, (n, sum_) in enumerate(zip(by_rarity, together, strict=True)) if place == 0 or sum_ <= most]
