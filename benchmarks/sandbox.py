"""What the sandbox costs on a good file: the same extractor with and without it, turn by turn, in one run.

    PYTHONPATH=src python benchmarks/sandbox.py [rounds]

Milliseconds of wall clock, smallest and median; trust the difference on an idle machine. "First page" is the time until
the first page is there. The CPU column is a mean over all rounds and counts this process, the parser process and its
children (by the kernel's ticks of 10 ms, so that it needs many rounds).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from quire.backends.extractors.by_type import ExtractorByType
from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.core.media_types import DOCX, PDF
from quire.core.ports import Extractor
from quire.testing.files import make_docx, make_pdf

BY_TYPE = "quire.backends.extractors.by_type.ExtractorByType"
PARAGRAPH = "The quick brown fox jumps over the lazy dog, and the dog, who has seen it before, does not look up. " * 20
Seconds = tuple[float, float]
"""To the first page, and to the end."""


def main(rounds: int) -> None:
    page = f"# A heading\n{PARAGRAPH}"
    files = {
        "PDF, 1 page": (PDF, make_pdf([page])),
        "PDF, 100 pages": (PDF, make_pdf([page] * 100)),
        "DOCX, 100 paragraphs": (DOCX, make_docx([PARAGRAPH] * 100)),
    }
    plain = ExtractorByType(ocr=None)
    with tempfile.TemporaryDirectory() as folder, closing(SandboxedExtractor(extractor=(BY_TYPE, {}))) as sandboxed:
        print(f"started in {1000 * timed(lambda: sandboxed.process.pid):.0f} ms; {memory(sandboxed.process.pid)}")
        print("confined by: " + (", ".join(sandboxed.process.confined_by) or "nothing"))
        print(f"{'':22}{'first page ms':>24}{'all pages ms':>24}{'CPU ms':>10}")
        for name, (media_type, content) in files.items():
            path = Path(folder) / "file"
            path.write_bytes(content)
            compare(name, path, media_type, {"plain": plain, "sandboxed": sandboxed}, rounds)


def compare(name: str, path: Path, media_type: str, extractors: dict[str, Extractor], rounds: int) -> None:
    times: dict[str, list[Seconds]] = {label: [] for label in extractors}
    cpu = dict.fromkeys(extractors, 0.0)
    for turn in range(rounds + 2):
        for label, extractor in extractors.items():
            before = cpu_seconds(extractor)
            seconds = read(extractor, path, media_type)
            if turn > 1:
                times[label].append(seconds)
                cpu[label] += cpu_seconds(extractor) - before
    for label, rows in times.items():
        first, whole = zip(*rows, strict=True)
        print(f"{name:22}{shown(first)}{shown(whole)}{1000 * cpu[label] / rounds:10.1f}  {label}")


def read(extractor: Extractor, path: Path, media_type: str) -> Seconds:
    began, first = time.perf_counter(), 0.0
    with extractor.open(path, media_type=media_type) as extraction:
        for _ in extraction.pages():
            first = first or time.perf_counter() - began
    return first, time.perf_counter() - began


def cpu_seconds(extractor: Extractor) -> float:
    """Of this process, and of the parser process with the children that it has waited for."""
    own = time.process_time()
    if not isinstance(extractor, SandboxedExtractor):
        return own
    pid = extractor.process.pid
    while Path(f"/proc/{pid}/task/{pid}/children").read_text():
        time.sleep(0.001)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own + sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> str:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return f"resident {kilobytes['Rss'] / 1024:.0f} MB, of its own {private / 1024:.0f} MB"


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def shown(seconds: tuple[float, ...]) -> str:
    return f"{1000 * min(seconds):12.1f}{1000 * statistics.median(seconds):12.1f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
