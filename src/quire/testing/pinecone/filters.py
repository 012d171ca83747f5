"""Metadata filters, as Pinecone reads them: https://docs.pinecone.io/guides/search/filter-by-metadata."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from quire.testing.pinecone.refusal import invalid

Metadata = dict[str, Any]
MAX_CHOICES = 10_000
"""Values of one `$in` or `$nin`."""


def matches(condition: Metadata, metadata: Metadata) -> bool:
    """Whether a record with this metadata is meant. Raises `Refusal` for what is no filter."""
    return all(_matches_one(key, wanted, metadata) for key, wanted in condition.items())


def check(condition: object) -> Metadata:
    """The filter itself. Raises `Refusal` where it is none, or says nothing."""
    if not isinstance(condition, dict) or not condition:
        raise invalid("The filter must be an object with at least one condition")
    matches(condition, {})
    return condition


def _matches_one(key: str, wanted: Any, metadata: Metadata) -> bool:
    if key in {"$and", "$or"}:
        if not isinstance(wanted, list) or not wanted:
            raise invalid(f"{key} must be a list of conditions")
        met = [matches(check(part), metadata) for part in wanted]
        return all(met) if key == "$and" else any(met)
    if key.startswith("$"):
        raise invalid(f"{key} is not a valid operator")
    conditions = wanted if isinstance(wanted, dict) else {"$eq": wanted}
    return all(_compare(name, _value(metadata, key), value) for name, value in conditions.items())


def _compare(name: str, held: Any, value: Any) -> bool:
    if name not in _OPERATORS:
        raise invalid(f"{name} is not a valid operator")
    takes_list = name in {"$in", "$nin"}
    if takes_list != isinstance(value, list) or (takes_list and len(value) > MAX_CHOICES):
        raise invalid(f"{name} has a value of a wrong kind, or too many")
    return _OPERATORS[name](held, value)


def _value(metadata: Metadata, key: str) -> Any:
    return metadata.get(key, _ABSENT)


def _has(held: Any, value: Any) -> bool:
    return value in held if isinstance(held, list) else bool(held == value)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda held, value: isinstance(held, (int, float)) and compare(held, value)


_ABSENT = object()
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _has,
    "$ne": lambda held, value: not _has(held, value),
    "$in": lambda held, value: any(_has(held, one) for one in value),
    "$nin": lambda held, value: not any(_has(held, one) for one in value),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$exists": lambda held, value: (held is not _ABSENT) == value,
}
