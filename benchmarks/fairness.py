"""Measures how long a tenant's one document waits behind another tenant's many.

python -m benchmarks.fairness [--documents 1000] [--trials 20] [--pages 3] [--seed 1]

A whole Quire of real processes, one worker of two processes, hashing embedder. The first tenant's documents are queued
before the worker starts; while it works on them the second tenant uploads one document at a time, each at a moment that
the seed decides. A wait lasts from the row that the upload made to the claim of a worker. A job time is what a document
takes of a process with all around it, from claim to claim. Prints a Markdown table.

Seconds tell as much of a busy machine as of Quire; how many documents of the other tenant were begun meanwhile tells of
Quire alone. It ends with 1 when these were more than the worker begins in two job times, unless the document was given
to a process that was being replaced (QUIRE_WORKER_MAX_TASKS): then it waits for the start of the new one.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from benchmarks.chaos import papers
from benchmarks.chaos.service import Service

PROCESSES = 2
MOST_JOB_TIMES = 2
UPLOADS_AT_ONCE = 4
PAUSE_S = (0.2, 4.0)
ENDS_WITHIN_S = 120
SETTINGS = {"DJANGO_SETTINGS_MODULE": "quire.settings", "QUIRE_WORKER_CONCURRENCY": str(PROCESSES)}
WARM_AFTER = 20
"""Jobs after which all processes have started what they need."""
JOBS = """
    SELECT (julianday(lead(started_at) OVER (PARTITION BY lease_owner ORDER BY started_at)) - julianday(started_at))
        * 86400 AS s
    FROM documents_ingestion WHERE started_at IS NOT NULL"""
ONE = """
    SELECT status, (julianday(started_at) - julianday(queued_at)) * 86400 AS wait_s,
        (julianday(finished_at) - julianday(queued_at)) * 86400 AS all_s, (
            SELECT count(*) FROM documents_ingestion AS other
            WHERE other.started_at > this.queued_at AND other.started_at < this.started_at
        ) AS begun, NOT EXISTS (
            SELECT 1 FROM documents_ingestion AS other
            WHERE other.lease_owner = this.lease_owner AND other.started_at < this.started_at
        ) AS is_first
    FROM documents_ingestion AS this WHERE document_id = ?"""
DONE = "SELECT count(*) AS count FROM documents_ingestion WHERE status = 'completed'"
LEFT = "SELECT count(*) AS count FROM documents_ingestion WHERE status = 'queued'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One document behind `ahead` of another tenant's, of which `begun` were begun before it."""

    ahead: int
    begun: int
    is_first: bool
    """Of its process."""
    wait_s: float
    all_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quire-fair-", ignore_cleanup_errors=True) as name:
        service = Service(folder=Path(name), settings=SETTINGS)
        try:
            return _measure(service, options)
        finally:
            service.stop()


def _measure(service: Service, options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    service.prepare(tenants=2)
    service.start("web")
    service.wait(lambda: _answers(service), "the web answers")
    _queue(service, rng, options)
    service.start_all()
    service.wait(lambda: service.rows(DONE)[0]["count"] >= WARM_AFTER, "the worker is warm")
    trials = list(_trials(service, rng, options))
    jobs_s = [row["s"] for row in service.rows(JOBS) if row["s"]]
    print("\n".join(_table(trials, jobs_s=jobs_s, options=options)))
    return int(max(trial.begun for trial in trials if not trial.is_first) > MOST_JOB_TIMES * PROCESSES)


def _queue(service: Service, rng: random.Random, options: argparse.Namespace) -> None:
    """The documents of the tenant that has many."""
    many = [papers.write(number, 1, rng, trait="plain", pages=options.pages) for number in range(options.documents)]
    with service.http(0, timeout_s=120) as client, ThreadPoolExecutor(UPLOADS_AT_ONCE) as threads:
        list(threads.map(lambda paper: _upload(client, paper), many))


def _trials(service: Service, rng: random.Random, options: argparse.Namespace) -> Iterator[Trial]:
    """One after another, for as long as the other tenant's documents wait."""
    with service.http(1, timeout_s=120) as client:
        for number in range(options.trials):
            time.sleep(rng.uniform(*PAUSE_S))
            if not (ahead := service.rows(LEFT)[0]["count"]):
                return
            paper = papers.write(10**6 + number, 1, rng, trait="plain", pages=options.pages)
            document = _upload(client, paper).replace("-", "")
            service.wait(lambda d=document: _row(service, d)["status"] == "completed", "it ends", limit_s=ENDS_WITHIN_S)
            row = _row(service, document)
            yield Trial(
                ahead=ahead,
                begun=int(row["begun"]),
                is_first=bool(row["is_first"]),
                wait_s=row["wait_s"],
                all_s=row["all_s"],
            )


def _row(service: Service, document: str) -> dict[str, float]:
    return service.rows(ONE, document)[0]


def _upload(client: httpx.Client, paper: papers.Paper) -> str:
    answer = client.post("/api/ingest/", files={"file": (paper.name, paper.content)})
    answer.raise_for_status()
    return str(answer.json()["document"]["id"])


def _answers(service: Service) -> bool:
    try:
        return httpx.get(f"{service.url}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _table(trials: list[Trial], *, jobs_s: list[float], options: argparse.Namespace) -> Iterator[str]:
    job_s, slow_s = statistics.median(jobs_s), statistics.quantiles(jobs_s, n=100)[-1]
    waits_s = sorted(trial.wait_s for trial in trials)
    begun, late = (Counter(trial.begun for trial in trials if trial.is_first is is_first) for is_first in (False, True))
    yield "| what | figure |"
    yield "| --- | --- |"
    yield f"| documents of the one tenant, pages each | {options.documents}, {options.pages} |"
    yield f"| of these still waiting at the first and last trial | {trials[0].ahead}, {trials[-1].ahead} |"
    yield f"| a job took, p50 / p99 | {job_s:.2f} s / {slow_s:.2f} s |"
    yield f"| trials with one document of the other tenant | {len(trials)} |"
    yield f"| documents begun before it: trials | {_counted(begun)} |"
    yield f"| that is, in job times of {PROCESSES} processes, at most | {max(begun) / PROCESSES:g} |"
    yield f"| documents begun before it while its own process was replaced: trials | {_counted(late) or 'none'} |"
    for name, wait_s in (("median", statistics.median(waits_s)), ("longest", waits_s[-1])):
        yield f"| it waited for a worker, {name} | {wait_s:.2f} s, {wait_s / job_s:.1f} median jobs |"
    yield f"| it was complete after, median | {statistics.median(trial.all_s for trial in trials):.2f} s |"


def _counted(begun: Counter[int]) -> str:
    return ", ".join(f"{count}: {begun[count]}" for count in sorted(begun))


if __name__ == "__main__":
    sys.exit(main())
