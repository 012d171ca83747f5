"""`quire doctor`: is everything as it must be, and if not, what to do."""

from __future__ import annotations

import dataclasses

import click

from quire.cli.local import set_up
from quire.cli.output import as_json_option, print_json

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


@click.command()
@as_json_option
def doctor(as_json: bool) -> None:
    """Check every setting and reach every service. Exit 1 when something fails."""
    set_up()
    from quire.ops import diagnosis

    results = list(diagnosis.examine())
    if as_json:
        print_json([dataclasses.asdict(result) for result in results])
    else:
        for result in results:
            click.echo(f"{MARKS[result.state]} {result.part:<15} {result.said}")
            if result.advice:
                click.echo(f"  {'':<15} → {result.advice}")
    if any(result.state == "fail" for result in results):
        raise click.exceptions.Exit(1)
