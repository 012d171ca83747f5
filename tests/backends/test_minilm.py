"""What is special about the local embedder: its folder, threads, forks, limit, and the model's own figures."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from quire.backends.embedders.minilm import MAX_TOKENS, MiniLMEmbedder
from quire.backends.embedders.minilm_build import prepare
from quire.core.errors import PermanentError


@pytest.fixture(scope="module")
def model_dir() -> Path:
    return prepare(target=Path(__file__).parents[2] / ".cache/models/minilm")


@pytest.fixture(scope="module")
def embedder(model_dir: Path) -> MiniLMEmbedder:
    return MiniLMEmbedder(model_dir=model_dir)


def test_it_tells_close_meanings_from_close_words(embedder: MiniLMEmbedder) -> None:
    question = embedder.embed_query("How do I get my money back?")
    refund, bank, sort = embedder.embed_documents(
        [
            "Refunds are issued within 14 days.",
            "We sat on the bank of the river.",
            "Quicksort is O(n log n) on average.",
        ]
    )
    assert refund @ question > bank @ question + 0.2
    assert refund @ question > sort @ question + 0.2


def test_a_missing_model_says_what_to_run(tmp_path: Path) -> None:
    embedder = MiniLMEmbedder(model_dir=tmp_path / "nowhere")
    with pytest.raises(PermanentError, match="quire model prepare") as caught:
        embedder.embed_query("anything")
    assert caught.value.code == "embedder_missing"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.json"])
def test_a_damaged_model_says_what_to_run(model_dir: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(model_dir, tmp_path / "copy")
    (copy / name).write_bytes(b"{}")
    with pytest.raises(PermanentError, match="quire model prepare") as caught:
        MiniLMEmbedder(model_dir=copy).embed_documents(["anything"])
    assert caught.value.code == "embedder_missing"


def test_a_model_prepared_later_is_found_without_a_restart(model_dir: Path, tmp_path: Path) -> None:
    embedder = MiniLMEmbedder(model_dir=tmp_path / "later")
    with pytest.raises(PermanentError):
        embedder.embed_query("now")
    shutil.copytree(model_dir, tmp_path / "later")
    assert embedder.embed_query("now").shape == (384,)


def test_nothing_is_read_before_the_first_use(tmp_path: Path) -> None:
    embedder = MiniLMEmbedder(model_dir=tmp_path / "nowhere")
    assert (embedder.id, embedder.dimensions) == ("all-MiniLM-L6-v2-int8-384", 384)


def test_words_after_the_limit_change_nothing(embedder: MiniLMEmbedder) -> None:
    head = "moon " * (MAX_TOKENS - 2)
    longer, cut = embedder.embed_documents([head + "salaries and pensions", head])
    np.testing.assert_array_equal(longer, cut)
    assert not np.array_equal(embedder.embed_query(head.removesuffix("moon ")), cut)


def test_threads_that_share_it_get_what_one_alone_gets(model_dir: Path) -> None:
    texts = [f"Sentence number {number} about {'moons ' * number}" for number in range(12)]
    shared = MiniLMEmbedder(model_dir=model_dir)
    found: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: shared.embed_documents(texts)})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = MiniLMEmbedder(model_dir=model_dir).embed_documents(texts)
    assert len(found) == 4
    assert all(np.array_equal(vectors, alone) for vectors in found.values())


def test_a_child_forked_after_the_first_use_can_go_on(embedder: MiniLMEmbedder) -> None:
    expected = embedder.embed_query("before the fork")
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(embedder.embed_query("before the fork"), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
