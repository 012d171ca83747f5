"""What every command owes a person: quick help, errors as sentences, exit codes that mean something."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from quire.cli import ingest
from quire.cli.ingesting import count
from quire.cli.lazy import COMMANDS, LazyGroup

NO_DOCUMENT = "01890000-0000-7000-8000-000000000000"
HEAVY = ("django", "httpx", "rich", "numpy", "redis", "celery", "pydantic", "uvicorn")


Quire = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a command on a data folder, as a person does."""


def test_help_takes_a_processor_less_than_three_tenths_of_a_second(quire: Quire, tmp_path: Path) -> None:
    took_s = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = quire(tmp_path, "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took_s.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert "ingest" in shown.stdout
    assert min(took_s) < 0.3


def test_help_loads_nothing_heavy() -> None:
    source = (
        "import sys; from quire.cli.lazy import COMMANDS, LazyGroup; group = LazyGroup.quire()\n"
        "assert all(group.get_command(None, name) for name in COMMANDS)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    shown = CliRunner().invoke(LazyGroup.quire(), [name, "--help"])
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()[2].strip()) > 15


def test_a_command_nobody_knows_is_wrong_usage(quire: Quire, tmp_path: Path) -> None:
    assert quire(tmp_path, "nonsense").returncode == 2


COMMANDS_WITH_SETTINGS = [
    ["up"], ["web"], ["worker"], ["dispatcher"], ["flower"], ["migrate"], ["prepare"], ["doctor"], ["audit"],
    ["reindex"], ["model", "prepare"], ["sign-in-link"], ["status"], ["ask", "Why?"], ["search", "x"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS_WITH_SETTINGS, ids=" ".join)
def test_a_wrong_setting_is_a_sentence_and_exit_2(quire: Quire, tmp_path: Path, command: list[str]) -> None:
    refused = quire(tmp_path, *command, QUIRE_EMBEDDER="gpt")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error[settings]: QUIRE_EMBEDDER is 'gpt': ")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command", [["status"], ["ask", "Why?"], ["delete", NO_DOCUMENT], ["keys", "list"]], ids=" ".join
)
def test_without_a_service_a_command_says_how_to_start_one(quire: Quire, tmp_path: Path, command: list[str]) -> None:
    refused = quire(tmp_path, *command)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error[no_service]: ")
    assert "quire up" in refused.stderr


def test_a_service_that_is_down_is_unreachable(quire: Quire, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "client.json").write_text(json.dumps({"url": f"http://127.0.0.1:{port}", "api_key": "qk_x"}))
    refused = quire(tmp_path, "status")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error[unreachable]: Quire at http://127.0.0.1:{port} cannot be reached")
    assert "quire up" in refused.stderr


def test_an_up_without_its_folder_says_which(quire: Quire, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    refused = quire(tmp_path, "up", "--data-dir", str(tmp_path / "data" / "deeper"))
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "error[data_folder]")


def test_ingest_takes_of_a_folder_what_can_be_read_and_of_names_all(tmp_path: Path) -> None:
    for name in ("b.pdf", "a.DOCX", "deep/c.md", "photo.png", ".hidden/d.txt", ".e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    named = tmp_path / "photo.png"
    found = ingest.find_files([tmp_path, named, tmp_path / "b.pdf"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.DOCX", "b.pdf", "deep/c.md", "photo.png"]


def test_ingest_of_a_folder_without_documents_says_so(quire: Quire, tmp_path: Path) -> None:
    refused = quire(tmp_path, "ingest", str(tmp_path))
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "error[nothing_to_do]")


def test_a_title_for_many_files_is_wrong_usage(quire: Quire, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x")
    assert quire(tmp_path, "ingest", "--title", "Both", str(tmp_path)).returncode == 2


@pytest.mark.parametrize("words", [[], ["--all", "00000000-0000-4000-8000-000000000000"]])
def test_a_retry_names_documents_or_takes_all_and_not_both(words: list[str]) -> None:
    shown = CliRunner().invoke(LazyGroup.quire(), ["retry", *words])
    assert (shown.exit_code, "--all" in shown.stderr) == (2, True)


def test_every_command_is_a_click_command() -> None:
    group = LazyGroup.quire()
    context = click.Context(group)
    assert all(isinstance(group.get_command(context, name), click.Command) for name in COMMANDS)


@pytest.mark.parametrize(
    ("command", "noun"),
    [
        (["delete", "nope"], "document"),
        (["retry", "nope"], "document"),
        (["status", "nope"], "document"),
        (["ask", "--document", "nope", "Why?"], "document"),
        (["keys", "revoke", "nope"], "key"),
    ],
)
def test_what_is_no_id_names_nothing_that_exists(command: list[str], noun: str) -> None:
    shown = CliRunner().invoke(LazyGroup.quire(), command)
    assert (shown.exit_code, shown.stderr) == (1, f"error[not_found]: There is no such {noun}.\n")


def test_one_page_is_not_pages() -> None:
    assert [count(number, "page") for number in (0, 1, 2)] == ["0 pages", "1 page", "2 pages"]
