"""What a part prints goes into its file; a person sees warnings, and everything when they ask for it."""

from __future__ import annotations

import os
from pathlib import Path

from quire.ops.supervisor import logs
from quire.ops.supervisor.logs import PartLog


def written(tmp_path: Path, text: bytes, *, verbose: bool = False) -> list[str]:
    shown: list[str] = []
    log = PartLog(part="web", folder=tmp_path, show=shown.append, verbose=verbose)
    reading, writing = os.pipe()
    log.follow(os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(text)
    log.tail()
    log.close()
    return shown


LINES = b"12:00:00 INFO    quire: started\n12:00:01 WARNING quire: a page is missing\n12:00:02 DEBUG quire: fine\n"


def test_a_person_sees_warnings_and_the_file_holds_all(tmp_path: Path) -> None:
    assert written(tmp_path, LINES) == ["       web │ 12:00:01 WARNING quire: a page is missing"]
    assert (tmp_path / "web.log").read_bytes() == LINES


def test_a_person_who_asks_for_everything_sees_everything(tmp_path: Path) -> None:
    assert len(written(tmp_path, LINES, verbose=True)) == 3


def test_advice_of_redis_about_the_kernel_is_for_the_file_alone(tmp_path: Path) -> None:
    assert written(tmp_path, b"1:M 22 Nov 2026 # WARNING Memory overcommit must be enabled!\n") == []


def test_bytes_that_are_no_text_do_not_stop_the_reading(tmp_path: Path) -> None:
    written(tmp_path, b"\xff\xfe broken\nlater\n")
    assert (tmp_path / "web.log").read_text() == "\\xff\\xfe broken\nlater\n"


def test_a_file_is_cut_when_it_is_large(tmp_path: Path) -> None:
    line = b"x" * 1023 + b"\n"
    written(tmp_path, line * (logs.MAX_BYTES // len(line) + 10))
    assert {path.name for path in tmp_path.iterdir()} == {"web.log", "web.log.1"}
    assert (tmp_path / "web.log").stat().st_size < logs.MAX_BYTES
