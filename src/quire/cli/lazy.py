"""A command group that loads a command when it is asked for, so that `quire --help` is quick."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import click

from quire.cli.errors import as_failure

COMMANDS = {
    "up": "quire.cli.up:up",
    "ingest": "quire.cli.ingest:ingest",
    "status": "quire.cli.status:status",
    "ask": "quire.cli.ask:ask",
    "search": "quire.cli.search:search",
    "retry": "quire.cli.documents:retry",
    "delete": "quire.cli.documents:delete",
    "keys": "quire.cli.keys:keys",
    "sign-in-link": "quire.cli.prepare:sign_in_link",
    "doctor": "quire.cli.doctor:doctor",
    "audit": "quire.cli.audit:audit",
    "reindex": "quire.cli.reindex:reindex",
    "eval": "quire.cli.evaluate:evaluate",
    "model": "quire.cli.prepare:model",
    "migrate": "quire.cli.prepare:migrate",
    "prepare": "quire.cli.prepare:prepare",
    "web": "quire.cli.parts:web",
    "worker": "quire.cli.parts:worker",
    "dispatcher": "quire.cli.parts:dispatcher",
    "flower": "quire.cli.parts:flower",
}
"""In the order that `--help` shows them in."""


def use_data_dir(context: click.Context, parameter: click.Parameter, folder: Path | None) -> None:
    """The option is the setting by another name."""
    if folder is not None:
        os.environ["QUIRE_DATA_DIR"] = str(folder)


class LazyGroup(click.Group):
    """Its commands, by name, are those of `COMMANDS`."""

    @classmethod
    def quire(cls) -> Self:
        return cls(
            name="quire",
            help="Take documents in, ask questions, get answers that cite the page. Start with: quire up",
            params=[
                click.Option(
                    ["--data-dir"],
                    type=click.Path(path_type=Path, file_okay=False),
                    callback=use_data_dir,
                    expose_value=False,
                    help="Data folder; QUIRE_DATA_DIR or ./data otherwise.",
                ),
                click.Option(
                    ["--version"],
                    is_flag=True,
                    is_eager=True,
                    expose_value=False,
                    callback=_show_version,
                    help="Show the version and exit.",
                ),
            ],
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that we foresaw becomes its sentence, any other keeps its traceback."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if failure := as_failure(error):
                raise failure from None
            raise


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"quire {version('quire')}")
        context.exit()
