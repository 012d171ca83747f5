"""What a developer types: `inv --list`."""

from __future__ import annotations

import shlex
import sys
import tomllib
from io import StringIO
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

ROOT = Path(__file__).parent
BIN = Path(sys.executable).parent
LOCK = (
    "uv pip compile pyproject.toml - --universal --python-version 3.11 --generate-hashes --no-emit-index-url "
    "--no-emit-find-links --custom-compile-command 'inv lock' --quiet"
)


def _run(context: Context, command: str, *, stdin: str | None = None) -> None:
    """Run a tool of this virtual environment from the root of the repository, its output shown as it comes."""
    with context.cd(str(ROOT)):
        # A terminal for the tool when we have one, so that Ctrl-C and colours reach it.
        is_terminal = stdin is None and sys.stdin.isatty() and sys.stdout.isatty()
        given = StringIO(stdin) if stdin is not None else None
        context.run(f"{BIN}/{command}", pty=is_terminal, echo=False, in_stream=given)


@task
def dev(context: Context, port: int = 8000, data: str = "data") -> None:
    """Start everything (`quire up`) in development, with debug pages."""
    with context.prefix("export QUIRE_DEBUG=1"):
        _run(context, f"quire up --port {port} --data-dir {shlex.quote(data)}")


@task
def devworker(context: Context) -> None:
    """Start one Celery worker in development."""
    with context.prefix("export QUIRE_DEBUG=1"):
        _run(context, "quire worker")


@task(
    name="test",
    help={
        "k": "only the tests whose names match, as pytest's -k",
        "paths": "files or folders, separated by blanks",
        "on": "parts of production to run on: postgres, s3, or postgres,s3; SQLite and a folder without it",
    },
)
def run_tests(context: Context, k: str = "", paths: str = "", on: str = "") -> None:
    """Run the tests; the contracts of who imports whom are among them."""
    chosen = f"-k {shlex.quote(k)}" if k else ""
    with context.prefix(f"export QUIRE_TEST_ON={shlex.quote(on)}"):
        _run(context, f"python -m pytest -n 3 --dist loadfile --no-loadscope-reorder {chosen} {paths}")


@task
def lint(context: Context) -> None:
    """Check style, types, imports and templates; change nothing."""
    _run(context, "ruff check .")
    _run(context, "ruff format --check .")
    _run(context, "mypy")
    _run(context, "lint-imports")
    _djade(context, "--check")


@task(name="format")
def format_(context: Context) -> None:
    """Mend what can be mended by itself."""
    _run(context, "ruff check --fix .")
    _run(context, "ruff format .")
    _djade(context, "")


@task
def lock(context: Context, upgrade: bool = False) -> None:
    """Make requirements/run.txt and dev.txt anew from pyproject.toml; `--upgrade` for the newest versions."""
    # The build backend is locked as well, since the project is installed without build isolation.
    build = "\n".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])
    newer = "--upgrade" if upgrade else ""
    _run(context, f"{LOCK} {newer} --extra dev --output-file requirements/dev.txt", stdin=build)
    _run(context, f"{LOCK} {newer} --constraint requirements/dev.txt --output-file requirements/run.txt", stdin=build)


@task
def examples(context: Context) -> None:
    """Write examples/spice.pdf and examples/computers.pdf again from their script."""
    _run(context, "python -m examples.make_examples")


@task
def docs(context: Context) -> None:
    """Write the reference of settings, commands and HTTP again from the code."""
    _run(context, "python -m docs.generate")


def _djade(context: Context, option: str) -> None:
    templates = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("src/quire/**/templates/**/*.html"))
    if templates:
        _run(context, f"djade --target-version 5.2 {option} {shlex.join(templates)}")
