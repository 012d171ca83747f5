"""Uploads every file below the given folders to a running Quire and prints, as Markdown, what became of each.

python -m benchmarks.corpus_run FOLDER… [--client data/client.json] [--suffix .pdf …] [--json outcomes.json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

SUFFIXES = (".pdf", ".docx", ".txt", ".md", ".html", ".htm")
ENDS_WITHIN_S = 1800
"""For a single document, from the moment it is asked about: a 202 must not be waited for without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file. `code` is empty when it completed; `said` is the service's own sentence."""

    folder: str
    name: str
    status: str
    """`completed`, `failed`, or `refused` for an upload that got no 202."""
    code: str = ""
    said: str = ""
    warnings: tuple[str, ...] = ()
    pages: int = 0
    chunks: int = 0
    bytes: int = 0
    is_duplicate: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--client", type=Path, default=Path("data/client.json"))
    parser.add_argument("--suffix", action="append", help=f"may be repeated; {' '.join(SUFFIXES)} when left out")
    parser.add_argument("--json", type=Path, help="keep every outcome in this file as well")
    options = parser.parse_args()
    wanted = set(options.suffix or SUFFIXES)
    began = time.monotonic()
    with connect(options.client) as client:
        outcomes = [outcome for folder in options.folders for outcome in run(client, folder, wanted)]
    took_s = time.monotonic() - began
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1, ensure_ascii=False))
    print("\n".join(report(outcomes, took_s)))


def connect(path: Path) -> httpx.Client:
    """The service that `quire up` left its address and key for."""
    left = json.loads(path.read_text())
    headers = {"Authorization": f"Bearer {left['api_key']}"}
    return httpx.Client(base_url=left["url"], headers=headers, timeout=120, trust_env=False)


def run(client: httpx.Client, folder: Path, suffixes: set[str]) -> Iterator[Outcome]:
    """Upload all files first, as a person with a folder would, then wait for each."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    sent = [(path, upload(client, path)) for path in paths]
    for path, answer in sent:
        yield outcome_of(client, path, folder, answer)


def upload(client: httpx.Client, path: Path) -> httpx.Response:
    with path.open("rb") as file:
        return client.post("/api/ingest/", files={"file": (path.name, file)})


def outcome_of(client: httpx.Client, path: Path, folder: Path, answer: httpx.Response) -> Outcome:
    place: dict[str, Any] = {
        "folder": folder.name,
        "name": path.relative_to(folder).as_posix(),
        "bytes": path.stat().st_size,
    }
    body = answer.json()
    if not answer.is_success:
        return Outcome(**place, status="refused", code=f"{answer.status_code} {body['code']}", said=body["detail"])
    document = wait(client, body["document"]["id"])
    error = document["error"] or {"code": "", "message": ""}
    return Outcome(
        **place,
        status=document["status"],
        code=error["code"],
        said=error["message"],
        warnings=tuple(document["warnings"]),
        pages=document["pages"],
        chunks=document["chunks"],
        is_duplicate=body["duplicate"],
    )


def wait(client: httpx.Client, document_id: str) -> dict[str, Any]:
    """The document at its end. Raises `TimeoutError` for one that does not come to an end."""
    end = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < end:
        document = dict(client.get(f"/api/documents/{document_id}/").raise_for_status().json())
        if document["status"] != "processing":
            return document
        time.sleep(0.5)
    raise TimeoutError(f"document {document_id} is {document['stage']} after {ENDS_WITHIN_S} s")


def report(outcomes: Sequence[Outcome], took_s: float) -> Iterator[str]:
    yield "| folder | type | files | completed | of these with warnings | failed | refused | pages | chunks |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    groups = sorted({(outcome.folder, _type(outcome)) for outcome in outcomes})
    for folder, kind in groups:
        yield _row(folder, kind, [o for o in outcomes if (o.folder, _type(o)) == (folder, kind)])
    yield _row("all", "", outcomes)
    pages = sum(outcome.pages for outcome in outcomes if not outcome.is_duplicate)
    yield f"\n{len(outcomes)} files, {pages} pages, {took_s:.0f} s in all."
    yield "\n| file | outcome | what the service says |\n| --- | --- | --- |"
    for outcome in outcomes:
        if outcome.status != "completed":
            yield f"| {outcome.name} | {outcome.status}, `{outcome.code}` | {outcome.said} |"
    yield "\n| file | warnings |\n| --- | --- |"
    for outcome in outcomes:
        if outcome.status == "completed" and outcome.warnings:
            more = f" (and {len(outcome.warnings) - 3} more)" if len(outcome.warnings) > 3 else ""
            yield f"| {outcome.name} | {' '.join(outcome.warnings[:3])}{more} |"


def _row(folder: str, kind: str, outcomes: Sequence[Outcome]) -> str:
    completed = [outcome for outcome in outcomes if outcome.status == "completed"]
    cells = [
        folder,
        kind,
        len(outcomes),
        len(completed),
        sum(bool(outcome.warnings) for outcome in completed),
        _by_code(outcome for outcome in outcomes if outcome.status == "failed"),
        _by_code(outcome for outcome in outcomes if outcome.status == "refused"),
        sum(outcome.pages for outcome in outcomes),
        sum(outcome.chunks for outcome in outcomes),
    ]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _by_code(outcomes: Iterable[Outcome]) -> str:
    counts = Counter(outcome.code for outcome in outcomes)
    return ", ".join(f"{count} `{code}`" for code, count in sorted(counts.items())) or "0"


def _type(outcome: Outcome) -> str:
    return Path(outcome.name).suffix.lower().lstrip(".")


if __name__ == "__main__":
    main()
