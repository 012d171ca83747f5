"""Page-hit@k and nDCG@10 of question sets, through the running service's own upload and search.

    python benchmarks/retrieval.py --corpus FOLDER [--corpus FOLDER …] [--lang en] [--questions N] [--data-dir data]

A corpus is a folder with `corpus.jsonl` (doc_id, title, and path or text) and `queries.jsonl` (text, doc_ids, and
gold_pages {doc_id: [page]} for page-hit, or grades {doc_id: grade} for nDCG). The service is the one whose
`client.json` lies in the data folder: start it with `quire up --data-dir FOLDER` on an empty folder, a corpus each.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

KS = (1, 3, 5)
NDCG_DEPTH = 10


class Service:
    """The HTTP API, as far as a benchmark needs it."""

    def __init__(self, data_dir: Path) -> None:
        client = json.loads((data_dir / "client.json").read_text())
        headers = {"Authorization": f"Bearer {client['api_key']}"}
        self._http = httpx.Client(base_url=client["url"], headers=headers, timeout=60, trust_env=False)

    def ingest(self, name: str, content: bytes) -> str:
        while True:
            response = self._http.post("/api/ingest/", files={"file": (name, content)}, data={"title": name})
            if response.status_code not in {429, 503}:
                return str(response.raise_for_status().json()["document"]["id"])
            time.sleep(float(response.headers["Retry-After"]))

    def status(self, document_id: str) -> str:
        return str(self._http.get(f"/api/documents/{document_id}/").raise_for_status().json()["status"])

    def search(self, query: str, *, document_ids: Sequence[str] | None, limit: int) -> list[dict[str, Any]]:
        body = {"query": query, "limit": limit, **({"document_ids": document_ids} if document_ids else {})}
        return list(self._http.post("/api/search/", json=body).raise_for_status().json()["hits"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--lang", default="", help="only documents and questions of this language")
    parser.add_argument("--questions", type=int, default=0, help="only the first N questions")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    options = parser.parse_args()

    documents = _of_language(_lines(options.corpus / "corpus.jsonl"), options.lang)
    questions = _of_language(_lines(options.corpus / "queries.jsonl"), options.lang)
    questions = questions[: options.questions or None]
    service = Service(options.data_dir)

    began = time.monotonic()
    ids = take_in(service, options.corpus, documents)
    print(f"{options.corpus.name}: {len(ids)} documents taken in, in {time.monotonic() - began:.1f} s")
    if "grades" in questions[0]:
        report_ndcg(service, ids, questions)
    else:
        report_page_hits(service, ids, questions)


def take_in(service: Service, folder: Path, documents: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Upload all, wait for all; doc_id → the service's id."""

    def send(document: dict[str, Any]) -> tuple[str, str]:
        if "path" in document:
            path = folder / document["path"]
            name, content = document["title"] + path.suffix, path.read_bytes()
        else:
            # The title is given as the name; Cranfield's texts begin with their title as well, and may be equal.
            name, content = document["title"][:150] + ".txt", f"{document['doc_id']}\n\n{document['text']}".encode()
        return str(document["doc_id"]), service.ingest(name, content)

    with ThreadPoolExecutor(4) as pool:
        ids = dict(pool.map(send, documents))
    unfinished = set(ids.values())
    while unfinished:
        unfinished = {document_id for document_id in unfinished if service.status(document_id) == "processing"}
        time.sleep(0.5 if unfinished else 0)
    return ids


def report_page_hits(service: Service, ids: dict[str, str], questions: list[dict[str, Any]]) -> None:
    """Whether a gold page is among the first k hits: of its document alone, and of all documents."""
    for scope in ("one document", "all documents"):
        hits = dict.fromkeys(KS, 0)
        times_s = []
        for question in questions:
            gold = {(ids[doc], page) for doc, pages in question["gold_pages"].items() for page in pages}
            chosen = [ids[doc] for doc in question["gold_pages"]] if scope == "one document" else None
            began = time.monotonic()
            found = service.search(question["text"], document_ids=chosen, limit=max(KS))
            times_s.append(time.monotonic() - began)
            for k in KS:
                hits[k] += any((hit["document_id"], page) in gold for hit in found[:k] for page in _pages(hit))
        shares = "  ".join(f"page-hit@{k} {hits[k] / len(questions):.3f}" for k in KS)
        print(f"  {scope:<14} {shares}   {len(questions)} questions, {_times(times_s)}")


def report_ndcg(service: Service, ids: dict[str, str], questions: list[dict[str, Any]]) -> None:
    """nDCG@10 over documents, a document standing where its first chunk stands."""
    names = {document_id: doc for doc, document_id in ids.items()}
    scores, times_s = [], []
    for question in questions:
        began = time.monotonic()
        hits = service.search(question["text"], document_ids=None, limit=3 * NDCG_DEPTH)
        times_s.append(time.monotonic() - began)
        ranked = list(dict.fromkeys(names[hit["document_id"]] for hit in hits))[:NDCG_DEPTH]
        scores.append(ndcg([question["grades"].get(doc, 0) for doc in ranked], list(question["grades"].values())))
    print(f"  nDCG@10 {statistics.mean(scores):.4f}   {len(questions)} questions, {_times(times_s)}")


def ndcg(ranked: Sequence[float], ideal: Sequence[float]) -> float:
    """Järvelin and Kekäläinen's measure with linear gain, as trec_eval computes it."""
    best = _gain(sorted(ideal, reverse=True)[:NDCG_DEPTH])
    return _gain(ranked) / best if best else 0.0


def _gain(grades: Iterable[float]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades))


def _pages(hit: dict[str, Any]) -> list[int]:
    return list(hit.get("pages") or [hit["page"]])


def _times(times_s: Sequence[float]) -> str:
    ordered = sorted(times_s)
    return f"p50 {1000 * statistics.median(ordered):.0f} ms, p99 {1000 * ordered[int(0.99 * len(ordered))]:.0f} ms"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for line in file:
            yield json.loads(line)


def _of_language(items: Iterable[dict[str, Any]], lang: str) -> list[dict[str, Any]]:
    return [item for item in items if not lang or item.get("lang", lang) == lang]


if __name__ == "__main__":
    main()
