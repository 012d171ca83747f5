"""The `quire` command."""

from __future__ import annotations

from quire.cli.lazy import LazyGroup


def main() -> None:
    """Run the command line, and exit: 0 done, 1 failed, 2 wrong usage or settings."""
    LazyGroup.quire()(prog_name="quire")
