"""`quire ingest`: takes files and folders in, three at a time, each with its own bar."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from quire.cli.errors import Failure

SUFFIXES = {".pdf", ".docx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text"}
"""What is taken of a folder; a file that is named itself is always sent."""


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--no-wait", is_flag=True, help="Return once the files are taken in, without waiting for the work.")
@click.option("--title", default="", help="Name to keep a single file under.")
def ingest(paths: tuple[Path, ...], no_wait: bool, title: str) -> None:
    """Take in files, and all that can be read in folders."""
    files = find_files(paths)
    if not files:
        raise Failure(f"No file that Quire reads is there: {', '.join(sorted(SUFFIXES))}.", code="nothing_to_do")
    if title and len(files) > 1:
        raise click.UsageError("--title is for a single file.")
    from quire.cli.ingesting import take_in

    if failed := take_in(files, title=title, wait=not no_wait):
        raise click.exceptions.Exit(1 if failed else 0)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Files as named, and those of folders and all below them, in order, without hidden ones, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(file for file in path.rglob("*") if _is_wanted(file, below=path)))
        else:
            found[path] = None
    return list(found)


def _is_wanted(file: Path, *, below: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(below).parts)
    return not is_hidden and file.suffix.lower() in SUFFIXES and file.is_file()
