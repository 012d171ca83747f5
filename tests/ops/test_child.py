"""A part that dies is started again, with all it had started gone; one that cannot live is given up."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quire.core.errors import PermanentError
from quire.ops.supervisor.child import EARLY_S, FIRST_DELAY_S, MAX_EARLY_ENDS, Child, Part
from quire.ops.supervisor.logs import PartLog

Make = Callable[..., Child]
SLEEPER = "import time; time.sleep(60)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path, said: list[str]) -> Iterator[Make]:
    """Makes a started part that runs Python source."""
    made: list[Child] = []

    def start(source: str, *arguments: str, first_delay_s: float = FIRST_DELAY_S, early_s: float = EARLY_S) -> Child:
        log = PartLog(part="worker", folder=tmp_path, show=said.append, verbose=False)
        part = Part(name="worker", command=[sys.executable, "-c", source, *arguments])
        child = Child(part, log=log, say=said.append, first_delay_s=first_delay_s, early_s=early_s)
        child.start()
        made.append(child)
        return child

    yield start
    for child in made:
        child.kill()
        child.log.close()


def tend_until(child: Child, is_so: Callable[[], bool], *, limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "it never came to be so"
        child.tend()
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process works; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_file(path: Path) -> str:
    end = time.monotonic() + 20
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)
    return path.read_text()


def test_a_killed_part_is_started_again_and_the_person_is_told(make: Make, said: list[str]) -> None:
    child = make(SLEEPER)
    first = child.pid
    assert first
    os.kill(first, signal.SIGKILL)
    tend_until(child, lambda: child.pid not in (None, first))
    assert child.is_running
    assert said == ["The worker ended (killed by SIGKILL); it is started again in 0.5 s."]


def test_the_delay_doubles_with_each_death(make: Make, said: list[str]) -> None:
    child = make("raise SystemExit(7)")
    tend_until(child, lambda: len(said) == 3)
    assert [line.rpartition("in ")[2] for line in said] == ["0.5 s.", "1 s.", "2 s."]


def test_what_a_dead_part_had_started_is_killed_before_it_starts_again(make: Make, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    source = (
        "import subprocess, sys, time\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'w').write(str(grandchild.pid))\n"
        "time.sleep(60)"
    )
    child = make(source, str(note))
    grandchild = int(wait_for_file(note))
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    tend_until(child, lambda: child.pid is None)
    assert not is_alive(grandchild)


def test_a_part_that_never_starts_is_given_up_with_the_end_of_its_log(make: Make) -> None:
    child = make("raise SystemExit('no such table: quire')", first_delay_s=0.01)
    with pytest.raises(PermanentError, match=r"(?s)worker cannot run.*no such table: quire") as caught:
        tend_until(child, lambda: False)
    assert caught.value.code == "part_failed"


def test_a_part_that_has_lived_is_never_given_up(make: Make, said: list[str], tmp_path: Path) -> None:
    source = (
        "import pathlib, sys, time\n"
        "has_lived = pathlib.Path(sys.argv[1])\n"
        "time.sleep(0 if has_lived.exists() else 1)\n"
        "has_lived.touch()\n"
        "raise SystemExit('the database is away')"
    )
    child = make(source, str(tmp_path / "lived"), first_delay_s=0.01, early_s=0.5)
    tend_until(child, lambda: len(said) > MAX_EARLY_ENDS)


def test_a_part_with_wrong_settings_is_given_up_at_once(make: Make, said: list[str]) -> None:
    child = make("print('error[settings]: no', flush=True); raise SystemExit(2)")
    with pytest.raises(PermanentError, match="exit code 2"):
        tend_until(child, lambda: False)
    assert said == []


def test_a_part_killed_over_and_over_is_never_given_up(make: Make) -> None:
    child = make(SLEEPER, first_delay_s=0.01)
    for _ in range(MAX_EARLY_ENDS + 2):
        killed = child.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        tend_until(child, lambda killed=killed: child.pid not in (None, killed))  # type: ignore[misc]
    assert child.is_running


def test_a_part_dies_with_a_supervisor_that_is_killed(tmp_path: Path, make: Make) -> None:
    note = tmp_path / "pid"
    source = (
        "import subprocess, sys, time\n"
        "from quire.ops.supervisor.tether import tied\n"
        "command = tied([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'w').write(str(subprocess.Popen(command).pid))\n"
        "time.sleep(60)"
    )
    supervisor = make(source, str(note))
    tied = int(wait_for_file(note))
    assert is_alive(tied)
    time.sleep(0.3)  # it has tied itself by then
    assert supervisor.pid
    os.kill(supervisor.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while is_alive(tied):
        assert time.monotonic() < end, "it outlived its parent"
        time.sleep(0.02)
