"""Vectors at one byte a dimension, and the bound that makes a search over them exact.

A vector `v` is kept as `scale * codes` plus an error of length `residual`. For a query `q` the true
product therefore lies within `residual * |q|` of `q · (scale * codes)` (Cauchy-Schwarz), so a vector whose upper
bound is below the k-th best lower bound cannot be among the best k, and need not be read exactly.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from quire.core.types import Vectors

_LEVELS = 127
_SLACK = 1e-5
"""What float32 sums, and the float16 exact copy, may add to the bound."""


@functools.cache
def record_type(dimensions: int) -> np.dtype[np.void]:
    """One vector in a block: `row` is the id of its exact copy."""
    return np.dtype([("row", "<i8"), ("scale", "<f4"), ("residual", "<f4"), ("codes", "i1", (dimensions,))])


def encode(vectors: Vectors, *, first_row: int) -> NDArray[np.void]:
    """Records for `vectors`, shape `(n, dimensions)`, numbered from `first_row`."""
    records = np.zeros(len(vectors), dtype=record_type(vectors.shape[1]))
    scale = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / np.float32(_LEVELS)
    codes = np.rint(vectors / scale[:, None])
    records["row"] = np.arange(first_row, first_row + len(vectors))
    records["scale"] = scale
    records["residual"] = np.linalg.norm(vectors - codes * scale[:, None], axis=1) + _SLACK
    records["codes"] = codes
    return records


@dataclass(slots=True, kw_only=True)
class Candidates:
    """The rows that may be among the `limit` nearest to `query`, of all records shown to it so far."""

    query: Vectors
    limit: int
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lower: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    upper: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))

    def add(self, records: NDArray[np.void]) -> None:
        """Look at more records, and forget those that can no longer win."""
        coarse = (records["codes"].astype(np.float32) @ self.query) * records["scale"]
        error = records["residual"] * np.linalg.norm(self.query)
        self.rows = np.concatenate([self.rows, records["row"]])
        self.lower = np.concatenate([self.lower, coarse - error])
        self.upper = np.concatenate([self.upper, coarse + error])
        if len(self.rows) > self.limit:
            bar = np.partition(self.lower, -self.limit)[-self.limit]
            keep = self.upper >= bar
            self.rows, self.lower, self.upper = self.rows[keep], self.lower[keep], self.upper[keep]
