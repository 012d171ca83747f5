"""What embedders at a provider share: limits kept, blank texts left out, vectors checked and made unit length."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quire.backends.embedders.approximate_tokens import count, cut
from quire.core.errors import PermanentError, TransientError
from quire.core.types import Vectors

log = logging.getLogger(__name__)

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a provider takes: texts in a request, tokens in a text, tokens in a request."""

    texts: int
    text_tokens: int
    request_tokens: int


Ask = Callable[[list[str]], Sequence[Sequence[float]]]
"""One request: a vector for each text, in their order."""


def embed(texts: Sequence[str], *, model: str, dimensions: int, limits: Limits, ask: Ask) -> Vectors:
    """The vectors of `texts`, shape `(len(texts), dimensions)`, asked for in as few requests as the limits allow.

    No provider takes a text of nothing but space: such a one gets the first axis.
    """
    vectors = np.zeros((len(texts), dimensions), np.float32)
    vectors[:, 0] = 1
    told = {row: _told(text, model, limits) for row, text in enumerate(texts) if text.strip()}
    for rows in _requests(told, limits):
        found = ask([told[row] for row in rows])
        vectors[rows] = _checked(found, len(rows), model=model, dimensions=dimensions)
    return vectors


def _told(text: str, model: str, limits: Limits) -> str:
    """The text as it is sent: the model's limit kept by us, since some providers refuse what others cut in silence."""
    kept = cut(text, tokens=limits.text_tokens)
    if len(kept) < len(text):
        log.warning("a text of %d characters is over the limit of %s: %d are embedded", len(text), model, len(kept))
    return _UNSENDABLE.sub("\ufffd", kept)


def _requests(told: dict[int, str], limits: Limits) -> Iterator[list[int]]:
    """The rows of each request."""
    rows: list[int] = []
    room = limits.request_tokens
    for row, text in told.items():
        tokens = count(text)
        if rows and (len(rows) == limits.texts or tokens > room):
            yield rows
            rows, room = [], limits.request_tokens
        rows.append(row)
        room -= tokens
    if rows:
        yield rows


def _checked(found: Sequence[Sequence[float]], expected: int, *, model: str, dimensions: int) -> Vectors:
    if len(found) != expected:
        raise TransientError(f"The model {model} gave {len(found)} vectors for {expected} texts.")
    for length in {len(vector) for vector in found} - {dimensions}:
        raise PermanentError(
            f"The model {model} gives vectors of {length} numbers, not of {dimensions}. "
            f"Set QUIRE_EMBEDDING_DIMENSIONS to {length}, or choose another model.",
            code="wrong_dimensions",
        )
    vectors = np.asarray(found, np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise TransientError(f"The model {model} gave a vector without a direction.")
    unit: Vectors = (vectors / lengths).astype(np.float32)
    return unit
