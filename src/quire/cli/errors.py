"""Errors as a person sees them: `error[code]: message` on standard error, and an exit code."""

from __future__ import annotations

import sys
from typing import IO, Any

import click

USAGE = 2


class Failure(click.ClickException):
    """The command could not do its work; `code` is what programs branch on."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error[{self.code}]: {self.message}", file=file or sys.stderr)


class WrongSettings(Failure):
    """The environment holds a value that nothing can start with."""

    exit_code = USAGE


def as_failure(error: Exception) -> Failure | None:
    """The failure that an error of ours is to a person; None for a bug."""
    from quire.core.errors import QuireError
    from quire.environment import SettingsError

    if isinstance(error, SettingsError):
        return WrongSettings(str(error), code="settings")
    if isinstance(error, QuireError):
        return Failure(error.message, code=error.code)
    return None
