"""BM25 as one statement of PostgreSQL, over rows of `quire_keyword`.

`ts_rank` of one lexeme that stands in n places of weight 1 is (1 + 1/4 + … + 1/n²) ÷ (π²/6). What that sum lacks to its
limit is 1 ÷ (n + ½), nearly: so the rank tells n, and for places of less weight a smaller number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

K1, B = 1.2, 0.75
"""Robertson's usual constants, which FTS5 has as well."""
_WEIGHTS = "'{0, 0.5, 0.5, 1}'"
"""Of unlabelled lexemes, of headings (C), source (B) and text (A)."""
_LIMIT_OF_SUM = 1.6449340668
_MOST_RANK = 0.995
"""Some 120 places. Of the beginning of words `ts_rank` adds up what each such word has, which may be more than 1."""


def ranking(*, terms: int, driving: Sequence[int], scope: str) -> str:
    """A statement that gives `(chunk, score)`, the best first, of rows within `scope`, which is ours.

    Only rows that hold a `driving` term (its number) are ranked, by all terms. Parameters: `any`, the driving terms as
    one tsquery; `term0`… each as a tsquery; `rows0`… how many rows hold a term that does not drive; `total`, how many
    are in scope; `most`, how many to rank; `limit`.
    """
    numbers = range(terms)
    ranks = _listed(
        f"least(ts_rank({_WEIGHTS}, words, %(term{n})s::tsquery), {_MOST_RANK})::float AS rank{n}" for n in numbers
    )
    counted = _listed(f"{_rows(n, driving)}::float AS rows{n}" for n in numbers)
    rarity = _listed(f"ln((greatest(%(total)s, rows{n}) + 1) / (rows{n} + 0.5::float)) AS idf{n}" for n in numbers)
    score = " + ".join(_score(n) for n in numbers)
    return f"""
        WITH hit AS MATERIALIZED (
            SELECT chunk, length, {ranks} FROM quire_keyword
            WHERE {scope} AND words @@ %(any)s::tsquery LIMIT %(most)s),
        held AS (SELECT greatest(avg(length), 1)::float AS mean_length, {counted} FROM hit),
        idf AS MATERIALIZED (SELECT mean_length, {rarity} FROM held)
        SELECT chunk, {score} AS score
        FROM (SELECT *, {K1}::float * ({1 - B}::float + {B}::float * length / mean_length) AS norm FROM hit, idf) AS hit
        ORDER BY score DESC, chunk LIMIT %(limit)s
    """  # noqa: S608 (numbers and constants)


def _rows(n: int, driving: Sequence[int]) -> str:
    return f"count(*) FILTER (WHERE rank{n} > 0)" if n in driving else f"%(rows{n})s"


def _score(n: int) -> str:
    """`idf · (k1 + 1) · count ÷ (count + norm)`, both parts of the fraction times `lack` = 1 ÷ (count + ½)."""
    lack = f"({_LIMIT_OF_SUM}::float * (1::float - rank{n}))"
    count = f"(1::float - 0.5::float * {lack})"
    return (
        f"CASE WHEN rank{n} > 0 THEN idf{n} * {K1 + 1}::float * {count} / ({count} + norm * {lack}) ELSE 0::float END"
    )


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(columns)
