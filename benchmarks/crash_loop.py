"""Attacks a whole Quire of real processes while people use it, then holds it to what it promised.

python -m benchmarks.crash_loop [--seconds 600] [--documents 1000] [--seed 1] [--leases default]
    [--on postgres,s3]

Prints a Markdown table. Ends with 1 when anything was lost, doubled, mixed, revived, stuck, left over or seen by
others. The same seed brings the same documents, the same people and the same blows in the same order.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos import people
from benchmarks.chaos.judge import Judge
from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.mischief import Mischief
from benchmarks.chaos.production import Production
from benchmarks.chaos.service import SHORT_LEASES, Service
from benchmarks.chaos.watcher import Watcher

PACE = {"CHAOS_PAGE_S": "0.02", "CHAOS_BATCH_S": "0.3", "QUIRE_PARSER_PAGE_S": "2"}
"""Slow enough that blows fall into the middle of documents; what loops is ended after two seconds a page."""
UNSURE = ("requests cut off", "requests answered 503")
"""After which a file may be left without a row; the second where the database is lost between the two."""
TICK_S = 0.05
TAIL_S = 600
"""For the last documents to end, still under attack, once no more are begun."""


@dataclass
class Run:
    """One crash loop, and what came of it."""

    service: Service
    ledger: Ledger
    mischief: Mischief
    watcher: Watcher
    judge: Judge
    production: Production
    seconds: float = 0.0
    answering: int = 0

    def attack(self, *, seed: int, seconds: float, documents: int, at_once: int) -> None:
        """Let people work under attack, until `documents` are done, or no more are begun after `seconds`."""
        began = time.monotonic()
        no_more, over = threading.Event(), threading.Event()
        watching = threading.Thread(target=self.watcher.watch, args=[over], daemon=True)
        watching.start()
        busy = people.run(self.service, self.ledger, seed=seed, documents=documents, at_once=at_once, stop=no_more)
        while any(person.is_alive() for person in busy) and time.monotonic() < began + seconds + TAIL_S:
            if time.monotonic() > began + seconds:
                no_more.set()
            self.mischief.step()
            time.sleep(TICK_S)
        self.seconds = time.monotonic() - began
        self.mischief.end()
        for person in busy:
            while person.is_alive():
                person.join(TICK_S)
                self.service.tend()
        over.set()
        watching.join()

    def check(self) -> None:
        self.service.wait_ready()
        self.judge.wait_until_quiet()
        self.answering = self.watcher.look_at_all()
        self.judge.check_ends()
        self.judge.check_history()
        self.judge.check_stores()
        self.service.stop()
        self.judge.audit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="after which no more documents are begun")
    parser.add_argument("--documents", type=int, default=1000, help="at most")
    parser.add_argument("--at-once", type=int, default=16, help="people with a document each")
    parser.add_argument("--workers", type=int, default=3, help="of two processes each")
    parser.add_argument("--dispatchers", type=int, default=2)
    parser.add_argument("--tenants", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leases", choices=["short", "default"], default="short", help="4/1/1 s or 30/10/5 s")
    parser.add_argument("--on", default="", help="postgres,s3 or one of them; SQLite and a folder without it")
    parser.add_argument("--json", type=Path, help="keep the figures in this file as well")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quire-chaos-"))
    run = start(folder, options)
    try:
        run.attack(seed=options.seed, seconds=options.seconds, documents=options.documents, at_once=options.at_once)
        run.check()
    finally:
        run.service.stop()
        run.production.stop()
    if options.json:
        options.json.write_text(json.dumps(dict(rows(run)), indent=1))
    print("\n".join(report(run)))
    if run.ledger.violations:
        sys.exit(f"{len(run.ledger.violations)} promises were broken; the logs are in {folder}")
    shutil.rmtree(folder)


def start(folder: Path, options: argparse.Namespace) -> Run:
    """The service, ready, and everybody who will have to do with it."""
    is_short = options.leases == "short"
    production = Production(folder, options.on.split(",") if options.on else [])
    own = folder / "quire"
    own.mkdir()
    service = Service(
        folder=own,
        workers=options.workers,
        dispatchers=options.dispatchers,
        settings={**PACE, **(SHORT_LEASES if is_short else {}), **production.settings},
    )
    try:
        service.prepare(tenants=options.tenants)
        service.start_all()
    except BaseException:
        service.stop()
        production.stop()
        raise
    ledger = Ledger()
    lease_s, sweep_s = (4, 1) if is_short else (30, 5)
    rng = random.Random(f"mischief/{options.seed}")
    mischief = Mischief(service, rng, lease_s=lease_s, sweep_s=sweep_s, production=production)
    watcher = Watcher(service, ledger, random.Random(f"watcher/{options.seed}"))
    judge = Judge(service, ledger, mischief.blows, excuses=UNSURE if production.postgres else UNSURE[:1])
    return Run(service, ledger, mischief, watcher, judge, production)


def report(run: Run) -> Iterator[str]:
    """A table, and below it whatever was violated."""
    yield "| what | figure |"
    yield "| --- | --- |"
    for what, figure in rows(run):
        yield f"| {what} | {figure} |"
    for violation in run.ledger.violations:
        yield f"- {violation}"


def rows(run: Run) -> Iterator[tuple[str, str]]:
    ledger, judge, counts = run.ledger, run.judge, run.ledger.counts
    yield "under attack for", f"{run.seconds:.0f} s"
    yield (
        "documents",
        f"{sum(n for what, n in counts.items() if what.startswith('document '))}: "
        + _list({what.removeprefix("document "): n for what, n in counts.items() if what.startswith("document ")}),
    )
    yield "what people did", _list({what: n for what, n in counts.items() if what in people.DEEDS})
    yield "202s, all ended", str(len(ledger.accepted))
    yield "blows", f"{len(run.mischief.blows)}: {_list(Counter(blow.kind for blow in run.mischief.blows))}"
    yield "claims", str(judge.figures.get("claimed", 0))
    yield "leases taken back", str(judge.figures.get("taken_back", 0))
    yield "of these without a blow", str(judge.figures.get("leases lost without a blow", 0))
    yield "put back after an error", str(judge.figures.get("put_back", 0))
    yield "good documents failed by the attack, then tried again", _list(ledger.unlucky) or "0"
    yield "requests asked again", _list({w: n for w, n in counts.items() if w.startswith("requests ")}) or "0"
    yield "from blow to taken back, p50 / p99 / max", _quantiles(judge.noticed_s)
    yield "from blow to next claim, p50 / p99 / max", _quantiles(judge.recovery_s)
    yield "a 202 took, p50 / p99 / max", _quantiles(ledger.answer_s)
    yield "searches, hits looked at", f"{run.watcher.searches}, {run.watcher.hits}"
    yield "a search took, p50 / p99 / max", _quantiles(run.watcher.answer_s)
    yield "documents that answer at the end, byte for byte as expected", str(run.answering)
    yield (
        "chunks, vectors, keywords, files",
        ", ".join(str(judge.figures.get(what, 0)) for what in ("chunks", "vectors", "keywords", "files")),
    )
    left = judge.figures.get("files of killed requests", 0)
    yield "files of uploads cut off by a killed web, removed by `quire audit --repair`", str(left)
    yield "lost, doubled, mixed, revived, left over, seen by others", str(len(ledger.violations))


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items(), key=lambda item: -item[1]))


def _quantiles(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    picked = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99)]
    return " / ".join(f"{value:.2f} s" for value in [*picked, ordered[-1]]) + f" ({len(ordered)})"


if __name__ == "__main__":
    main()
