"""all-MiniLM-L6-v2's forward pass in fp32 NumPy, one text at a time: what the int8 graph is checked against.

Written from the BERT paper (arXiv:1810.04805, post-norm layers) and shares no code with the graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_HEADS = 12
_LAYERS = 6
_EPSILON = 1e-12


def embed(weights: Mapping[str, Array], ids: Sequence[int]) -> Array:
    """The unit vector, shape `(384,)`, of one text given as token ids with [CLS] and [SEP]."""
    hidden = weights["embeddings.word_embeddings.weight"][list(ids)]
    hidden = hidden + weights["embeddings.position_embeddings.weight"][: len(ids)]
    hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
    hidden = _normalise(weights, "embeddings.LayerNorm", hidden)
    for number in range(_LAYERS):
        hidden = _layer(weights, f"encoder.layer.{number}", hidden)
    mean = hidden.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _layer(weights: Mapping[str, Array], at: str, hidden: Array) -> Array:
    attended = _attention(weights, f"{at}.attention.self", hidden)
    projected = _dense(weights, f"{at}.attention.output.dense", attended)
    hidden = _normalise(weights, f"{at}.attention.output.LayerNorm", projected + hidden)
    raised = _gelu(_dense(weights, f"{at}.intermediate.dense", hidden))
    return _normalise(weights, f"{at}.output.LayerNorm", _dense(weights, f"{at}.output.dense", raised) + hidden)


def _attention(weights: Mapping[str, Array], at: str, hidden: Array) -> Array:
    query, key, value = (_heads(_dense(weights, f"{at}.{part}", hidden)) for part in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    return np.asarray(mixed.transpose(1, 0, 2).reshape(hidden.shape))


def _heads(hidden: Array) -> Array:
    """`(tokens, 384)` to `(heads, tokens, 32)`."""
    return hidden.reshape(len(hidden), _HEADS, -1).transpose(1, 0, 2)


def _dense(weights: Mapping[str, Array], at: str, hidden: Array) -> Array:
    return hidden @ weights[f"{at}.weight"].T + weights[f"{at}.bias"]


def _normalise(weights: Mapping[str, Array], at: str, hidden: Array) -> Array:
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
    return np.asarray(centred / spread * weights[f"{at}.weight"] + weights[f"{at}.bias"])


_erf = np.vectorize(math.erf, otypes=[np.float32])


def _gelu(hidden: Array) -> Array:
    return np.asarray(hidden * 0.5 * (1 + _erf(hidden / math.sqrt(2))), np.float32)
