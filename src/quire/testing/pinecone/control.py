"""The control plane of a project: create, describe, list and delete indexes.

Its bodies come in two forms, by the version that a request names: until 2026-04, whose OpenAPI is public, with `spec`,
`dimension` and `metric`; from 2026-07, which SDK 10 speaks, with `schema` and `deployment`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from quire.testing.pinecone.index import Index
from quire.testing.pinecone.refusal import Refusal, invalid, missing

Body = dict[str, Any]
WITH_SCHEMA = "2026-07"
"""The first version of the second form; versions are dates, and compare as such."""
VALUES = "_values"
"""The schema's name of the vector that upsert and query mean."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?")


@dataclass(slots=True, kw_only=True)
class Described:
    """An index, and where it was asked for."""

    index: Index
    cloud: str = "aws"
    region: str = "us-east-1"
    field_name: str = VALUES
    created_at: float = field(default_factory=time.monotonic)


class Project:
    """`ready_after_s`: how long a new index is initializing. It may be changed at any time."""

    def __init__(self, *, host: str) -> None:
        self.host = host
        self.ready_after_s = 0.0
        self.indexes: dict[str, Described] = {}

    def create(self, body: Body, *, version: str) -> Body:
        name = body.get("name", "")
        if not _NAME.fullmatch(name):
            raise invalid("Name must be 1 to 45 lower case letters, digits and hyphens")
        if name in self.indexes:
            raise Refusal(409, 6, "Resource already exists")
        self.indexes[name] = _with_schema(body) if version >= WITH_SCHEMA else _with_spec(body)
        return self.describe(name, version=version)

    def describe(self, name: str, *, version: str) -> Body:
        described = self._find(name)
        is_ready = self.is_ready(name)
        index = described.index
        body: Body = {
            "name": name,
            "host": self.host,
            "status": {"ready": is_ready, "state": "Ready" if is_ready else "Initializing"},
            "deletion_protection": "disabled",
        }
        place = {"cloud": described.cloud, "region": described.region}
        if version >= WITH_SCHEMA:
            vector = {"type": "dense_vector", "dimension": index.dimension, "metric": index.metric}
            deployment = {"deployment_type": "managed", "environment": "test", **place}
            return body | {"schema": {"fields": {described.field_name: vector}}, "deployment": deployment}
        capacity = {"mode": "OnDemand", "status": {"state": "Ready", "current_shards": 1, "current_replicas": 1}}
        spec = {"serverless": place | {"read_capacity": capacity}}
        shape = {"dimension": index.dimension, "metric": index.metric, "vector_type": "dense"}
        return body | shape | {"spec": spec}

    def list(self, *, version: str) -> Body:
        return {"indexes": [self.describe(name, version=version) for name in self.indexes]}

    def delete(self, name: str) -> Body:
        self._find(name)
        del self.indexes[name]
        return {}

    def is_ready(self, name: str) -> bool:
        return time.monotonic() - self._find(name).created_at >= self.ready_after_s

    def _find(self, name: str) -> Described:
        if name in self.indexes:
            return self.indexes[name]
        raise missing(f"Resource {name} not found")


def _with_schema(body: Body) -> Described:
    fields = (body.get("schema") or {}).get("fields") or {}
    if len(fields) != 1 or next(iter(fields.values())).get("type") != "dense_vector":
        raise invalid("This server makes indexes of one dense_vector field")
    ((name, vector),) = fields.items()
    deployment = body.get("deployment") or {"cloud": "aws", "region": "us-east-1"}
    return Described(index=_index(vector), cloud=deployment["cloud"], region=deployment["region"], field_name=name)


def _with_spec(body: Body) -> Described:
    place = (body.get("spec") or {}).get("serverless")
    if not place:
        raise invalid("This server makes serverless indexes")
    return Described(index=_index(body), cloud=place["cloud"], region=place["region"])


def _index(body: Body) -> Index:
    dimension, metric = body.get("dimension"), body.get("metric", "cosine")
    if not isinstance(dimension, int) or not 1 <= dimension <= 20_000:
        raise invalid("Dimension must be 1 to 20000")
    if metric not in {"cosine", "euclidean", "dotproduct"}:
        raise invalid("Metric must be cosine, euclidean or dotproduct")
    return Index(dimension=dimension, metric=metric)
