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
    return _of_database(error) if "django.db" in sys.modules else None


def _of_database(error: Exception) -> Failure | None:
    """PostgreSQL that is away, or lacks what this version needs; SQLite is a file of ours, and its errors are bugs."""
    from django.conf import settings
    from django.db import InterfaceError, OperationalError, ProgrammingError

    if not settings.configured or not settings.ENV.is_postgres:
        return None
    if isinstance(error, InterfaceError | OperationalError):
        from quire.ops import database

        return as_failure(database.unreachable(error))
    if isinstance(error, ProgrammingError) and "does not exist" in str(error):
        return Failure("The database is not up to date: run `quire migrate`.", code="not_migrated")
    return None
