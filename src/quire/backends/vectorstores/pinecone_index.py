"""The index at Pinecone: found, or created if that was asked for; held to the metric that is ours."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from pinecone.errors.exceptions import ConflictError, NotFoundError
from pinecone.models.indexes.index import IndexModel
from pinecone.models.indexes.schema import DenseVectorField

from quire.backends.providers.pinecone import NAME, PineconeAccount
from quire.core.errors import PermanentError, TransientError

READY_WITHIN_S = 120.0
VALUES = "_values"
"""The name by which a schema declares the vector that Pinecone's vectors API reads and writes."""
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an index answers, and what it holds."""

    host: str
    dimensions: int


def find(account: PineconeAccount, name: str) -> Place:
    """The index that is there. Raises `PermanentError` when it is missing or none of ours, `TransientError` when it
    is not ready."""
    with account.call():
        try:
            described = account.control_plane.indexes.describe(name)
        except NotFoundError:
            message = (
                f"{NAME} has no index “{name}”. Create it there (dense, cosine), or set QUIRE_PINECONE_CREATE to a "
                "cloud and a region such as aws/us-east-1, to have it created at the next start."
            )
            raise PermanentError(message, code="index_missing") from None
    return _place(described)


def find_or_create(account: PineconeAccount, name: str, *, dimensions: int, create_in: str) -> Place:
    """The same; where it is missing and `create_in` names a cloud and a region, it is made, and waited for."""
    try:
        return _wait_for(account, name)
    except PermanentError as error:
        if error.code != "index_missing" or not create_in:
            raise
    cloud, region = create_in.split("/")
    vector = {"type": "dense_vector", "dimension": dimensions, "metric": "cosine"}
    with account.call(), suppress(ConflictError):  # another process may be quicker
        account.control_plane.indexes.create(
            name=name,
            schema={"fields": {VALUES: vector}},
            deployment={"deployment_type": "managed", "cloud": cloud, "region": region},
            timeout=-1,
        )
    return _wait_for(account, name)


def _wait_for(account: PineconeAccount, name: str) -> Place:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            return find(account, name)
        except TransientError as error:
            if error.code != "index_not_ready" or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)


def _place(described: IndexModel) -> Place:
    name = described.name
    vector = described.schema.fields.get(VALUES)
    if not isinstance(vector, DenseVectorField) or vector.metric != "cosine":
        message = (
            f"The index “{name}” at {NAME} is not one of dense vectors compared by cosine. Name another in "
            "QUIRE_PINECONE_INDEX, or create it anew with that metric."
        )
        raise PermanentError(message, code="index_unsuitable")
    if not described.status.ready or described.host is None:
        raise TransientError(f"The index “{name}” at {NAME} is not ready yet.", code="index_not_ready")
    return Place(host=described.host, dimensions=vector.dimension)
