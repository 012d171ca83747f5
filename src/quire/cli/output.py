"""How results are printed: tables for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

NARROW_COLUMNS = 110
ID_COLUMNS = 36

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def is_narrow() -> bool:
    """Somebody reads this on a terminal with little room beside an id."""
    return sys.stdout.isatty() and shutil.get_terminal_size().columns < NARROW_COLUMNS


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as wide as it needs where nobody looks, and as the terminal allows where somebody does."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        # An id is there to be copied, so it stays whole.
        table.add_column(
            column, overflow="fold", no_wrap=column == "id", min_width=ID_COLUMNS if column == "name, id" else None
        )
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console(highlight=False)
    console.print(table, width=None if console.is_terminal else 200)
