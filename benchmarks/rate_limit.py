"""Do all workers together keep to a provider's quota, use it up, and lose nothing while it refuses?

    python -m benchmarks.rate_limit [--quota 120] [--minutes 3] [--workers 2] known|unknown|storm …

A whole Quire (web, dispatcher, workers of four processes, Redis) takes in more documents than the quota allows; the
provider is a local server that speaks OpenAI's API, counts requests in a sliding minute, and answers 429 with
Retry-After beyond its quota.

known      Quire is told the quota
unknown    it is not: the first 429 teaches it
storm      it is told, and in the second minute the provider refuses every request for 20 s, Retry-After included
"""

from __future__ import annotations

import argparse
import math
import tempfile
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.chaos.service import Service

from quire.testing.model_server import Call, Refusal, serving
from quire.testing.openai_server import Manners, OpenAIServer, over_quota

WINDOW_S = 60
STORM_S = 20
BATCHES, CHUNKS = 5, 300
"""Of a document: requests that it takes, and chunks, so that the machine is not what limits."""
MODEL, DIMENSIONS = "small", 32


class QuotaServer(OpenAIServer):
    """Refuses what is over `quota` requests in a sliding minute; a refused request does not count."""

    def __init__(self, *, quota: int) -> None:
        super().__init__(manners=Manners(models={MODEL: DIMENSIONS}, chat_models=frozenset()))
        self._quota = quota
        self._recent: deque[float] = deque()
        self._counting = threading.Lock()
        self.storm_until = 0.0
        self.sent: list[float] = []
        """When each request was let through, in seconds of a steady clock."""
        self.refused: list[float] = []

    def answer(self, call: Call) -> Any:
        with self._counting:
            now = time.monotonic()
            while self._recent and self._recent[0] <= now - WINDOW_S:
                self._recent.popleft()
            wait_s = self.storm_until - now
            if len(self._recent) >= self._quota:
                wait_s = max(wait_s, self._recent[0] + WINDOW_S - now)
            (self.refused if wait_s > 0 else self.sent).append(now)
            if wait_s > 0:
                raise Refusal(over_quota(headers={"Retry-After": str(math.ceil(wait_s))}))
            self._recent.append(now)
        return super().answer(call)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quota", type=int, default=120)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("cases", nargs="+", choices=["known", "unknown", "storm"])
    options = parser.parse_args()
    for case in options.cases:
        run(case, quota=options.quota, minutes=options.minutes, workers=options.workers)


def run(case: str, *, quota: int, minutes: float, workers: int) -> None:
    with serving(QuotaServer(quota=quota)) as provider, service(provider, case, quota, workers) as quire:
        with quire.http() as client:
            for number in range(int(quota * minutes * 1.2 / BATCHES)):
                lines = (
                    f"In year {n} the pump of station {number} was serviced and found in order, as was its valve."
                    for n in range(CHUNKS * 2)
                )
                text = "\n\n".join(lines)
                files = {"file": (f"report-{number}.txt", text.encode())}
                client.post("/api/ingest/", files=files).raise_for_status()
        quire.start_all()
        began = until_first_call(provider)
        if case == "storm":
            time.sleep(WINDOW_S)
            provider.storm_until = time.monotonic() + STORM_S
        time.sleep(max(0, began + minutes * 60 - time.monotonic()))
        report(case, provider, quire, quota=quota, began=began, ended=time.monotonic())


@contextmanager
def service(provider: QuotaServer, case: str, quota: int, workers: int) -> Iterator[Service]:
    settings = {
        "DJANGO_SETTINGS_MODULE": "quire.settings",
        "QUIRE_EMBEDDER": "openai",
        "OPENAI_BASE_URL": provider.base_url,
        "QUIRE_EMBEDDING_MODEL": MODEL,
        "QUIRE_EMBEDDING_DIMENSIONS": str(DIMENSIONS),
        "QUIRE_EMBEDDING_REQUESTS_PER_MINUTE": "0" if case == "unknown" else str(quota),
        "QUIRE_CHUNK_TOKENS": "50",
        "QUIRE_CHUNK_OVERLAP_TOKENS": "0",
        "QUIRE_WORKER_CONCURRENCY": "4",
    }
    with tempfile.TemporaryDirectory(prefix="quire-quota-", ignore_cleanup_errors=True) as name:
        quire = Service(folder=Path(name), workers=workers, settings=settings)
        try:
            quire.prepare()
            quire.start("web")
            quire.wait_ready()
            yield quire
        finally:
            quire.stop()


def until_first_call(provider: QuotaServer) -> float:
    while not provider.sent:
        time.sleep(0.01)
    return provider.sent[0]


def report(case: str, provider: QuotaServer, quire: Service, *, quota: int, began: float, ended: float) -> None:
    sent, refused = list(provider.sent), list(provider.refused)
    tried = sorted(sent + refused)
    most = max(bisect_left(tried, start + WINDOW_S) - place for place, start in enumerate(tried))
    storm_s = STORM_S if case == "storm" else 0
    allowed = quota * (ended - began - storm_s) / 60
    rows = quire.rows("SELECT status, attempts, COUNT(*) AS n FROM documents_ingestion GROUP BY status, attempts")
    waits = quire.rows("SELECT COUNT(*) AS n FROM documents_event WHERE kind = 'put_back'")[0]["n"]
    print(
        f"{case}: {len(sent)} let through of {allowed:.0f} allowed ({len(sent) / allowed:.1%}), "
        f"{len(refused)} refused ({len(refused) / len(tried):.2%} of calls), "
        f"most in a minute {most} of {quota} ({most / quota:.1%}), documents put back {waits} times"
    )
    print("   ", ", ".join(f"{row['n']} {row['status']} after {row['attempts']} counted attempts" for row in rows))


if __name__ == "__main__":
    main()
