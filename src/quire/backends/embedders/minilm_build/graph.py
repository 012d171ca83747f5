"""The int8 ONNX graph of all-MiniLM-L6-v2, built node by node from its weights.

    input_ids (1, tokens)
      └► word + position + type embeddings ► LayerNorm
           └► 6 × [ q, k, v ► attention ► dense ► +, LayerNorm ► dense ► GELU ► dense ► +, LayerNorm ]
                └► mean over the tokens ► L2 norm ► embedding (1, 384)

Every dense layer is one `DynamicQuantizeMatMul`: int8 weights, one scale an output (QInt8, per channel), activations
quantised as they come. The fused `com.microsoft` operators are what onnxruntime's optimiser would make of the
plain ones; its own quantiser is not used since it wants the whole fp32 graph in memory and on disk first.

One text a run. Activations are quantised with one scale for all that is in a run, so texts in one batch would change
each other's vectors (cosine 0.986 to the text alone, worse than int8 costs), and on one core a batch is no faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]

HEADS = 12
LAYERS = 6
LAYER_NORM_EPSILON = 1e-12
"""This and the two above are from the model's config.json."""

_OPSETS = (helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1))
_IR_VERSION = 8
_ROW_MAX = 127
_DENSE_MAX = 63
"""Half the range (onnxruntime calls it `reduce_range`): x86 without VNNI adds two products in 16 bits and would
saturate above it, so that the same text got other vectors there. Costs 0.002 of cosine and no speed; nDCG@10 on
Cranfield is 0.394 with 63 and with 127."""


def quantise(matrix: NDArray[np.float32], *, axis: int, largest: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8, -largest to largest: values, and the scale of each slice that is left when `axis` is reduced."""
    scale = np.abs(matrix).max(axis=axis, keepdims=True) / largest
    scale = np.where(scale == 0, 1, scale).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale.squeeze(axis)


def build(weights: Weights) -> onnx.ModelProto:
    """Raises `KeyError` when a weight is missing."""
    return _Graph(weights).model()


class _Graph:
    """Collects nodes and their constants; each method adds one part and returns the name of its output."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def model(self) -> onnx.ModelProto:
        hidden = self._embeddings()
        for number in range(LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
        self._pooled(hidden)
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2-int8",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, self._width])],
            list(self._constants.values()),
        )
        return helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR_VERSION, producer_name="quire")

    @property
    def _width(self) -> int:
        return int(self._weights["embeddings.LayerNorm.weight"].shape[0])

    def _add(self, op: str, inputs: list[str], output: str, *, microsoft: bool = False, **attributes: Any) -> str:
        domain = "com.microsoft" if microsoft else None
        self._nodes.append(helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _embeddings(self) -> str:
        position = self._weights["embeddings.position_embeddings.weight"]
        position = position + self._weights["embeddings.token_type_embeddings.weight"][0]
        self._constant("zero", np.array([0], np.int64))
        self._add("Shape", ["input_ids"], "length", start=1, end=2)
        self._add("Slice", [self._constant("positions", position), "zero", "length", "zero"], "position")
        self._add("Add", [self._words(), "position"], "embedded")
        return self._add(
            "LayerNormalization",
            ["embedded", self._weight("embeddings.LayerNorm.weight"), self._weight("embeddings.LayerNorm.bias")],
            "embeddings.normalised",
            epsilon=LAYER_NORM_EPSILON,
        )

    def _words(self) -> str:
        """Half the file: a row a word piece, so a scale a row."""
        rows, scales = quantise(self._weights["embeddings.word_embeddings.weight"], axis=1, largest=_ROW_MAX)
        self._add("Gather", [self._constant("words", rows), "input_ids"], "word.int8")
        self._add("Gather", [self._constant("words.scale", scales[:, None]), "input_ids"], "word.scale")
        self._add("Cast", ["word.int8"], "word.float", to=TensorProto.FLOAT)
        return self._add("Mul", ["word.float", "word.scale"], "word")

    def _layer(self, hidden: str, at: str) -> str:
        attended = self._attention(hidden, at)
        projected = self._dense(attended, f"{at}.attention.output.dense")
        middle = self._add_and_normalise(projected, hidden, f"{at}.attention.output.LayerNorm")
        raised = self._dense(middle, f"{at}.intermediate.dense")
        active = self._add("Gelu", [raised], f"{at}.gelu", microsoft=True)
        lowered = self._dense(active, f"{at}.output.dense")
        return self._add_and_normalise(lowered, middle, f"{at}.output.LayerNorm")

    def _attention(self, hidden: str, at: str) -> str:
        """q, k and v come of one matrix product, so that `hidden` is quantised once."""
        parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        matrix = np.concatenate([self._weights[f"{part}.weight"] for part in parts])
        bias = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        joined = self._product(hidden, f"{at}.attention.self", matrix, bias)
        names = [f"{part}.output" for part in parts]
        self._nodes.append(helper.make_node("Split", [joined], names, name=f"{at}.split", axis=2))
        return self._add(
            "MultiHeadAttention",
            names,
            f"{at}.attended",
            microsoft=True,
            num_heads=HEADS,
        )

    def _dense(self, hidden: str, at: str) -> str:
        return self._product(hidden, at, self._weights[f"{at}.weight"], self._weights[f"{at}.bias"])

    def _product(self, hidden: str, at: str, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """`hidden @ matrix.T + bias`; `matrix` is laid out as PyTorch's Linear is, a row an output."""
        values, scales = quantise(matrix.T, axis=0, largest=_DENSE_MAX)
        inputs = [
            hidden,
            self._constant(f"{at}.int8", values),
            self._constant(f"{at}.scale", scales),
            self._constant(f"{at}.zero", np.zeros(len(scales), np.int8)),
            self._constant(f"{at}.bias", bias),
        ]
        return self._add("DynamicQuantizeMatMul", inputs, f"{at}.output", microsoft=True)

    def _add_and_normalise(self, left: str, right: str, at: str) -> str:
        return self._add(
            "SkipLayerNormalization",
            [left, right, self._weight(f"{at}.weight"), self._weight(f"{at}.bias")],
            f"{at}.output",
            microsoft=True,
            epsilon=LAYER_NORM_EPSILON,
        )

    def _pooled(self, hidden: str) -> str:
        self._add("ReduceMean", [hidden], "mean", axes=[1], keepdims=0)
        return self._add("LpNormalization", ["mean"], "embedding", axis=1, p=2)
