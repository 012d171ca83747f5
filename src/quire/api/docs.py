"""The API's reference as one page, made from its OpenAPI document: no script, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI

from quire.api import problems

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a member of an object."""

    name: str
    type: str
    note: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method on a path."""

    tag: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: str
    answers: list[tuple[str, str, str]]
    """Status, what it means, and the type of its body."""


def page(request: HttpRequest, api: NinjaAPI) -> HttpResponse:
    """The reference page."""
    document = api.get_openapi_schema()
    operations = sorted(_operations(document), key=lambda operation: operation.tag)
    context = {
        "tags": [(tag, list(group)) for tag, group in groupby(operations, key=lambda operation: operation.tag)],
        "types": [(name, _fields(schema)) for name, schema in sorted(document["components"]["schemas"].items())],
        "codes": [(code, status, meaning) for code, (status, meaning) in problems.CODES.items()],
    }
    return render(request, "api/docs.html", context)


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(method, path, methods[method])


def _operation(method: str, path: str, told: dict[str, Any]) -> Operation:
    return Operation(
        tag=told.get("tags", [""])[0],
        method=method.upper(),
        path=path,
        summary=told.get("summary", ""),
        description=told.get("description", ""),
        parameters=[_parameter(parameter) for parameter in told.get("parameters", [])],
        body=_content(told.get("requestBody", {})),
        answers=[(status, said["description"], _content(said)) for status, said in told["responses"].items()],
    )


def _parameter(told: dict[str, Any]) -> Field:
    schema = told["schema"]
    name = f"?{told['name']}" if told["in"] == "query" else told["name"]
    return Field(name=name, type=_type(schema), note=_note(schema), is_required=told.get("required", False))


def _fields(schema: dict[str, Any]) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(name=name, type=_type(member), note=_note(member), is_required=name in required)
        for name, member in schema.get("properties", {}).items()
    ]


def _content(told: dict[str, Any]) -> str:
    """The types of a body, such as `application/json: AnswerOut`."""
    kinds = told.get("content", {})
    return ", ".join(f"{kind}: {_type(said.get('schema', {}))}".rstrip(": ") for kind, said in kinds.items())


def _type(schema: dict[str, Any]) -> str:
    """A type in a few words, such as `array of uuid or null`."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_type(one) for one in schema[several])
    if "enum" in schema:
        return " · ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and "properties" in schema:
        return "{" + ", ".join(schema["properties"]) + "}"
    return str(schema.get("format") or schema.get("type") or "")


def _note(schema: dict[str, Any]) -> str:
    default = f"default {schema['default']!r}" if schema.get("default") else ""
    return " · ".join(part for part in (schema.get("description", ""), default) if part)
