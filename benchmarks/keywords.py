"""The keyword indexes alone, side by side: page-hit@k and nDCG@10 over the same chunks, in SQLite and in PostgreSQL.

    PYTHONPATH=src:benchmarks:. python benchmarks/keywords.py --corpus FOLDER [--lang en] [--language english …]

A corpus as `benchmarks/retrieval.py` describes it. Starts a PostgreSQL of its own; QUIRE_MODEL_DIR names the local
model, whose tokenizer decides how long a chunk is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import django

TENANT = "tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    doc_id: str
    pages: frozenset[int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--lang", default="", help="only documents and questions of this language")
    parser.add_argument("--language", nargs="*", default=["english"], help="PostgreSQL's text search configurations")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"QUIRE_DATA_DIR": folder, "QUIRE_SANDBOX": "off", "QUIRE_OCR": "none"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "quire.settings"
        django.setup()
        compare(options.corpus, options.lang, options.language, Path(folder))


def compare(corpus: Path, lang: str, languages: list[str], folder: Path) -> None:
    from django.db import transaction
    from retrieval import _lines, _of_language
    from tests.contracts.postgres_database import postgres_database
    from tests.contracts.sqlite_file import sqlite_file

    from quire.backends.keywordindexes.postgres import PostgresKeywordIndex
    from quire.backends.keywordindexes.sqlite_fts5 import SqliteKeywordIndex

    places, records = {}, []
    for document in _of_language(_lines(corpus / "corpus.jsonl"), lang):
        for record, place in chunks(corpus, document):
            places[record.id] = place
            records.append(record)
    questions = _of_language(_lines(corpus / "queries.jsonl"), lang)
    print(f"{corpus.name} {lang}: {len(records)} chunks, {len(questions)} questions", flush=True)
    with sqlite_file(folder / "keywords.sqlite3") as alias:
        index = SqliteKeywordIndex(alias=alias)
        index.prepare()
        with transaction.atomic(using=alias):
            index.upsert(TENANT, records)
        report("FTS5", index, places, questions)
    for language in languages:
        with postgres_database() as alias:
            postgres = PostgresKeywordIndex(language=language, alias=alias)
            postgres.prepare()
            began = time.monotonic()
            postgres.upsert(TENANT, records)
            print(f"  {(time.monotonic() - began) / len(records) * 1e6:.0f} µs a chunk")
            report(f"PostgreSQL, {language}", postgres, places, questions)


def chunks(corpus: Path, document: dict[str, Any]) -> Iterator[tuple[Any, Place]]:
    from quire import registry
    from quire.core.types import Page, VectorRecord

    upload_id = str(uuid5(NAMESPACE_OID, str(document["doc_id"])))
    if "path" in document:
        path = corpus / document["path"]
        with registry.extractor().open(path, media_type="application/pdf") as extraction:
            pages = list(extraction.pages())
    else:
        pages = [Page(number=1, text=document["text"], origin="markup")]
    for chunk in registry.chunker().chunk(pages):
        metadata = {
            "text": chunk.text,
            "source": document["title"],
            "headings": list(chunk.heading_path),
            "upload_id": upload_id,
            "ingestion_id": upload_id,
        }
        identity = str(uuid5(NAMESPACE_OID, f"{upload_id} {chunk.ordinal}"))
        numbers = frozenset(span.page for span in chunk.spans)
        place = Place(doc_id=str(document["doc_id"]), pages=numbers)
        yield VectorRecord(id=identity, values=[], metadata=metadata), place  # type: ignore[arg-type]


def report(name: str, index: Any, places: dict[str, Place], questions: list[dict[str, Any]]) -> None:
    scopes = ["all documents"] if "grades" in questions[0] else ["one document", "all documents"]
    for scope in scopes:
        figures: dict[str, list[float]] = {}
        times = []
        for question in questions:
            named = question.get("gold_pages", {})
            uploads = [str(uuid5(NAMESPACE_OID, doc)) for doc in named] if scope == "one document" else None
            began = time.monotonic()
            hits = index.query(TENANT, question["text"], limit=40, upload_ids=uploads)
            times.append(time.monotonic() - began)
            for figure, value in score(question, [places[hit.id] for hit in hits]):
                figures.setdefault(figure, []).append(value)
        shown = "  ".join(f"{figure} {statistics.mean(values):.3f}" for figure, values in figures.items())
        print(f"  {name:<20} {scope:<14} {shown}   p50 {1e3 * statistics.median(times):.1f} ms", flush=True)


def score(question: dict[str, Any], found: list[Place]) -> Iterator[tuple[str, float]]:
    from retrieval import KS, NDCG_DEPTH, ndcg

    if "grades" in question:
        ranked = list(dict.fromkeys(place.doc_id for place in found))[:NDCG_DEPTH]
        yield "nDCG@10", ndcg([question["grades"].get(doc, 0) for doc in ranked], list(question["grades"].values()))
        return
    gold = {(doc, page) for doc, pages in question["gold_pages"].items() for page in pages}
    for k in KS:
        yield f"page-hit@{k}", any((place.doc_id, page) in gold for place in found[:k] for page in place.pages)


if __name__ == "__main__":
    main()
