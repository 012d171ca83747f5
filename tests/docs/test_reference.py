"""The reference pages tell what the code does: every setting, command, option, route and error code, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from docs import generate
from quire.api import problems
from quire.api.urls import api
from quire.cli.lazy import LazyGroup
from quire.environment import Environment, variable_name

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "quire"
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
VARIABLES = {variable_name(field.validation_alias) for field in Environment.model_fields.values()}
FOR_TESTS_AND_TOOLS = {"QUIRE_BACKENDS", "QUIRE_TEST_DATABASE"}
SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "http.md"])
def test_the_page_is_what_the_code_generates(name: str) -> None:
    written = (generate.REFERENCE / name).read_text()
    assert written == generate.pages()[name], "run `inv docs` and commit what it writes"


def test_every_variable_named_anywhere_exists() -> None:
    for path in TEXTS:
        named = re.findall(r"\bQUIRE_[A-Z_]*[A-Z]\b", path.read_text())
        known = VARIABLES | FOR_TESTS_AND_TOOLS | {f"{variable}_FILE" for variable in VARIABLES}
        assert set(named) <= known, path.name


def test_every_command_and_option_named_anywhere_exists() -> None:
    known = {path: options(command) for path, command in generate.commands(LazyGroup.quire())}
    groups = {path.rpartition(" ")[0] for path in known} | {"quire"}
    for path in TEXTS:
        for line in said_commands(path.read_text()):
            words = line.split()
            name = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in known), None)
            if name is None:
                assert line.rstrip(" …") in groups or words[1].startswith(("--", "-")), f"{path.name}: {line}"
                continue
            for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", line):
                assert option in known[name] | {"--help", "-h"}, f"{path.name}: {line}"


def said_commands(text: str) -> Iterator[str]:
    """What stands as a command in backquotes or at the start of a line in a code block; no sentence about Quire."""
    blocks = "\n".join(re.findall(r"```(?:sh|bash|console|text)\n(.*?)```", text, re.DOTALL))
    yield from re.findall(r"^(?:\$ )?(quire [^\n|#&>]+)", blocks, re.MULTILINE)
    yield from re.findall(r"`(quire [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}


def test_every_route_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(?:[A-Z]+ )?(/[^`]*)`", page("http.md"), re.MULTILINE))
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in all_routes(get_resolver())}
    assert {re.sub(r"<(\w+)>", r"{\1}", path) for path in documented} == routes


def all_routes(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from all_routes(pattern, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and pattern.name != "api-root":
            yield prefix + str(pattern.pattern)


def test_every_operation_is_documented_with_its_method() -> None:
    operations = {
        f"{method.upper()} {path}" for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
    }
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)`", page("http.md"), re.MULTILINE)) == operations
    assert set(generate.REFUSALS) <= operations


def test_every_error_code_is_documented_and_no_other() -> None:
    documented = {code for codes in sections("errors.md").values() for code in codes}
    assert documented == codes_in_source()


def test_every_refusal_is_documented_with_its_status() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d{3})\b", page("errors.md"), re.MULTILINE))
    for code, (status, _) in problems.CODES.items():
        assert rows.get(code) == str(status), code


def test_the_codes_of_a_route_are_those_of_refused_requests() -> None:
    refused = sections("errors.md")["Refused requests"]
    assert {code for codes in generate.REFUSALS.values() for code in codes} | set(generate.COMMON) <= refused


def sections(name: str) -> dict[str, set[str]]:
    """The codes in each section's table, by its heading."""
    rows = re.compile(r"^\| `(\w+)`", re.MULTILINE)
    return {heading: set(rows.findall(text)) for heading, text in SECTION.findall(page(name))}


def codes_in_source() -> set[str]:
    """Every code that an error can carry: given by `code=`, as a class' own, or first to a refusal or a problem."""
    found = set(problems.CODES)
    for path in SOURCE.rglob("*.py"):
        if "testing" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                found |= set(_codes_of(node))
    return found


def _codes_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        yield from _strings(keyword.value for keyword in node.keywords if keyword.arg == "code")
        if name == "RefusedRequestError" or (name == "response" and _is_of_problems(node.func)):
            yield from _strings(node.args[:1])
    elif isinstance(node, ast.ClassDef):
        own = [body for body in node.body if isinstance(body, ast.Assign)]
        yield from _strings(body.value for body in own if [ast.unparse(t) for t in body.targets] == ["code"])


def _is_of_problems(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "problems"


def _strings(nodes: Iterator[ast.expr] | list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value


def page(name: str) -> str:
    return (generate.REFERENCE / name).read_text()
