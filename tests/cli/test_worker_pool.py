"""The processes of a worker come and go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 60
"""A backstop: without what is tested here it would take for ever."""


def test_a_process_that_retires_has_its_successor_however_long_it_takes_to_end() -> None:
    command = [sys.executable, "-m", "tests.cli.retiring_pool", "3"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=True)
    assert ran.stdout.split() == ["0", "1", "2"]
