"""Sends a folder of hostile files to a running Quire and prints, as Markdown, what became of them and what they cost.

python -m benchmarks.hostile_run FOLDER [--data-dir data] [--json outcomes.json]

The folder may hold `made/expected.tsv` (file, bytes, class, expected), which is printed beside each outcome. Run it on
the machine of the `quire up`, with nothing else to do: memory is sampled from its processes, and every process of a
worker that vanishes is counted as a death (start it with QUIRE_WORKER_MAX_TASKS above the number of files).
"""

from __future__ import annotations

import argparse
import csv
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from benchmarks.corpus_run import connect, upload, wait

SAMPLE_EVERY_S = 0.05
LIST_EVERY_S = 0.5
"""To list a process's descendants costs more than to ask those known for their memory."""
TYPES = {".pdf", ".docx", ".txt", ".md", ".html", ".htm"}
STAGES = ("download", "extract", "chunk", "embed", "index")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file; `seconds` is the work on it, as the service itself counted."""

    name: str
    kind: str
    expected: str
    status: str
    code: str = ""
    said: str = ""
    pages: int = 0
    warnings: int = 0
    chunks: int = 0
    seconds: float = 0


class Sampler(threading.Thread):
    """Watches the processes of a `quire up`: the most memory one of each kind had, and workers that vanished."""

    def __init__(self, up: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._up = up
        self._stop_asked = threading.Event()
        self._known: dict[psutil.Process, str] = {}
        self.peak_bytes: dict[str, int] = defaultdict(int)
        self.deaths: dict[str, int] = {"worker": 0, "parser": 0}

    def run(self) -> None:
        listed_at = 0.0
        while not self._stop_asked.wait(SAMPLE_EVERY_S):
            if time.monotonic() - listed_at > LIST_EVERY_S:
                listed_at = time.monotonic()
                self._list()
            self._look()

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()

    def _list(self) -> None:
        for process in self._up.children(recursive=True):
            try:
                self._known.setdefault(process, _kind(process))
            except psutil.NoSuchProcess:
                continue

    def _look(self) -> None:
        sums: Counter[str] = Counter()
        for process, kind in list(self._known.items()):
            try:
                resident = process.memory_info().rss
                if process.status() == psutil.STATUS_ZOMBIE:
                    raise psutil.NoSuchProcess(process.pid)
            except psutil.NoSuchProcess:
                del self._known[process]
                if kind in self.deaths:
                    self.deaths[kind] += 1
                continue
            self.peak_bytes[kind] = max(self.peak_bytes[kind], resident)
            sums["all"] += resident
        self.peak_bytes["all together"] = max(self.peak_bytes["all together"], sums["all"])


def _kind(process: psutil.Process) -> str:
    """`worker`, `parser` (the warm process), `parser's child` (one for each file), or another part of the service."""
    words = process.cmdline()
    if "quire.backends.sandbox.server" in " ".join(words):
        parent = process.parent()
        is_child = parent is not None and parent.cmdline() == words
        return "parser's child" if is_child else "parser"
    parts = [word for word in words if word in {"web", "worker", "dispatcher"}]
    return parts[0] if parts else "other"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--json", type=Path, help="keep every outcome in this file as well")
    options = parser.parse_args()
    sampler = Sampler(psutil.Process(int((options.data_dir / "up.lock").read_text())))
    sampler.start()
    outcomes = list(run(options.folder, options.data_dir / "client.json"))
    sampler.stop()
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1, ensure_ascii=False))
    print("\n".join(report(outcomes, sampler)))


def run(folder: Path, client_file: Path) -> Iterator[Outcome]:
    """Upload all, then wait for each."""
    expected = _expected(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in TYPES)
    with connect(client_file) as client:
        sent = [(path, upload(client, path)) for path in paths]
        for path, answer in sent:
            name = path.relative_to(folder).as_posix()
            kind, wanted = expected.get(name, (name.split("/")[0], ""))
            body = answer.json()
            if not answer.is_success:
                code = f"{answer.status_code} {body['code']}"
                yield Outcome(name=name, kind=kind, expected=wanted, status="refused", code=code, said=body["detail"])
                continue
            document = wait(client, body["document"]["id"])
            error = document["error"] or {"code": "", "message": ""}
            yield Outcome(
                name=name,
                kind=kind,
                expected=wanted,
                status="duplicate" if body["duplicate"] else document["status"],
                code=error["code"],
                said=error["message"] or " ".join(document["warnings"][:2]),
                pages=document["pages"],
                warnings=len(document["warnings"]),
                chunks=document["chunks"],
                seconds=sum(document["timings"].get(f"{noun}_s", 0) for noun in STAGES),
            )


def _expected(folder: Path) -> dict[str, tuple[str, str]]:
    path = folder / "made" / "expected.tsv"
    if not path.exists():
        return {}
    with path.open() as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {f"made/{row['file']}": (row["class"], row["expected"]) for row in rows}


def report(outcomes: Sequence[Outcome], sampler: Sampler) -> Iterator[str]:
    yield "| class | files | completed | of these with warnings | failed | refused | longest, s |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for kind in sorted({outcome.kind for outcome in outcomes}):
        yield _row(kind, [outcome for outcome in outcomes if outcome.kind == kind])
    yield _row("all", outcomes)
    yield f"\nDeaths: {sampler.deaths['worker']} worker processes, {sampler.deaths['parser']} parser processes.\n"
    yield "| process | most memory, MB |\n| --- | --- |"
    for kind, peak in sorted(sampler.peak_bytes.items()):
        yield f"| {kind} | {peak // 10**6} |"
    yield "\n| file | expected | outcome | what the service says |\n| --- | --- | --- | --- |"
    for outcome in outcomes:
        yield f"| {outcome.name} | {outcome.expected} | {_in_words(outcome)} | {outcome.said} |"


def _row(kind: str, outcomes: Sequence[Outcome]) -> str:
    completed = [outcome for outcome in outcomes if outcome.status == "completed"]
    cells = [
        kind,
        len(outcomes),
        len(completed),
        sum(bool(outcome.warnings) for outcome in completed),
        _by_code(outcome for outcome in outcomes if outcome.status == "failed"),
        _by_code(outcome for outcome in outcomes if outcome.status == "refused"),
        f"{max(outcome.seconds for outcome in outcomes):.1f}",
    ]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _by_code(outcomes: Iterable[Outcome]) -> str:
    counts = Counter(outcome.code for outcome in outcomes)
    return ", ".join(f"{count} `{code}`" for code, count in sorted(counts.items())) or "0"


def _in_words(outcome: Outcome) -> str:
    if outcome.status in {"completed", "duplicate"}:
        warned = f", {outcome.warnings} warnings" if outcome.warnings else ""
        return f"{outcome.status}, {outcome.pages} pages, {outcome.chunks} chunks{warned}, {outcome.seconds:.1f} s"
    return f"{outcome.status}, `{outcome.code}`, {outcome.seconds:.1f} s"


if __name__ == "__main__":
    main()
