"""A short crash loop: half a minute, or one in CI; `benchmarks/crash_loop.py` by hand for longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import parts
from tests.chaos.conftest import IS_CI

ROOT = Path(__file__).parents[2]
SECONDS, DOCUMENTS = (30, 40) if parts.CHOSEN else (60, 200) if IS_CI else (25, 40)
"""When no more documents are begun; those that are under way are seen to their end."""


@pytest.mark.timeout(900)
def test_nothing_is_lost_doubled_mixed_revived_or_left_over_under_attack() -> None:
    command = [sys.executable, "-m", "benchmarks.crash_loop", f"--seconds={SECONDS}", f"--documents={DOCUMENTS}"]
    command += [f"--on={','.join(sorted(parts.CHOSEN))}"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ROOT, check=False)
    print(done.stdout)  # noqa: T201 - the table, for whoever reads the log of a failed run
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
