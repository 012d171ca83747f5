"""Writes the reference pages that the code itself can tell: settings, commands and HTTP.

`inv docs` runs it; `tests/docs` holds the committed pages equal to what it writes.
"""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Made by `inv docs` from the code; change the code, not this page. -->\n"
METHODS = ("get", "post", "put", "patch", "delete")

COMMON = {
    "not_authenticated": "every path below `/api/` but `/api/schema/` and `/api/docs/`, without a valid key or session",
    "csrf_failed": "a writing request by session without its CSRF token",
    "not_found": "an id that does not exist or belongs to another tenant, in the path or in the body; a path that is "
    "none, or that lacks its final slash",
    "method_not_allowed": "a method that the path does not know",
    "invalid_request": "a field, a query parameter or a cursor that is missing or wrong; an upload of several files",
    "malformed_request": "a body that is no JSON, or no form, where one is expected",
    "body_too_large": "more than 2 MiB, where no file is uploaded",
    "request_timeout": "an upload of which nothing came for 60 s, another body that is not whole after 60 s",
    "database_unavailable": "every path, while the database does not answer",
    "internal_error": "every path, when we have a bug",
}
"""Codes that no single route owns, and where they are met."""

REFUSALS = {
    "POST /api/ingest/": [
        "file_missing",
        "file_empty",
        "file_too_large",
        "unsupported_type",
        "encrypted",
        "idempotency_in_progress",
        "idempotency_key_reused",
        "being_replaced",
        "storage_unavailable",
        "conflict",
    ],
    "PUT /api/documents/{document_id}/file/": [
        "file_missing",
        "file_empty",
        "file_too_large",
        "unsupported_type",
        "encrypted",
        "duplicate_content",
        "storage_unavailable",
    ],
    "GET /api/documents/{document_id}/pages/{number}/image/": ["no_picture", "page_not_drawn", "parser_busy"],
    "POST /api/documents/{document_id}/retry/": ["not_failed"],
    "POST /api/search/": ["question_empty", "question_too_long", "reindex_needed"],
    "POST /api/ask/": ["question_empty", "question_too_long", "not_ready", "reindex_needed"],
    "POST /api/documents/{document_id}/ask/": ["question_empty", "question_too_long", "not_ready", "reindex_needed"],
}
"""Codes that a route answers with beside the common ones."""

OPERATORS = {
    "/healthz": ("GET", "200 while the process lives"),
    "/readyz": (
        "GET",
        "200 while database and storage answer, so that an upload is safe, else 503; the body tells of "
        "broker, workers and vector store too",
    ),
    "/metrics": (
        "GET",
        "Documents and runs by status, the age of the oldest due run, expired leases: Prometheus' text format",
    ),
    "/api/schema/": ("GET", "The OpenAPI document"),
    "/api/docs/": ("GET", "The same as a page for people"),
}
PAGES = {
    "/": ("GET", "The library: uploads, their status, a place to drop files"),
    "/documents/rows/": ("GET", "Rows of the library"),
    "/documents/<document_id>/": (
        "GET",
        "A document's pages, with questions beside it; `conversation` for earlier ones",
    ),
    "/documents/<document_id>/standing/": ("GET", "How it stands now"),
    "/documents/<document_id>/pages/<number>/": ("GET", "One page of its text"),
    "/documents/<document_id>/outline/": ("GET", "Its headings, each a link to where it stands"),
    "/documents/<document_id>/find/": ("GET", "The places that say `q`, each a link to them"),
    "/documents/<document_id>/retry/": ("POST", "Try a failed one again"),
    "/documents/<document_id>/delete/": ("POST", "Delete it"),
    "/documents/choices/": (
        "GET",
        "Documents to choose for a question: those of `document`, then others with `q` in their name",
    ),
    "/ask/": ("GET", "Questions about all documents, or those of `document`; `conversation` for an earlier one"),
    "/conversations/": ("GET", "One's conversations, or those about a `document`"),
    "/conversations/<conversation_id>/newest/": ("GET", "The answer that was streamed last"),
    "/jobs/": ("GET", "The job list: id, task, arguments, status; `status` for those of one"),
    "/join/<token>/": (
        "GET, POST",
        "Come into a tenant by an invitation, once: by a new name and password, or as one is",
    ),
    "/settings/account/": ("GET, POST", "One's password"),
    "/settings/account/sessions/": ("POST", "Sign out everywhere else"),
    "/settings/invitations/<invitation_id>/withdraw/": ("POST", "End an invitation; for owners"),
    "/settings/keys/": ("GET, POST", "API keys; POST makes one and shows it this once"),
    "/settings/keys/<key_id>/revoke/": ("POST", "End a key"),
    "/settings/members/": (
        "GET, POST",
        "Who is in the tenant; POST by an owner makes an invitation, its link shown this once",
    ),
    "/settings/members/<user_id>/remove/": ("POST", "Take somebody out, or leave; the last owner cannot go"),
    "/settings/members/<user_id>/role/": ("POST", "Make somebody an owner or a member; for owners"),
    "/settings/tenant/": ("POST", "Go to the library of another of one's tenants"),
    "/settings/usage/": ("GET", "Documents, bytes and requests, of how many"),
    "/sign-in/": ("GET, POST", "Sign in by name and password"),
    "/sign-in/oidc/": ("GET", "Go to the provider of single sign-on; 404 without one"),
    "/sign-in/oidc/callback/": ("GET", "Come back from it"),
    "/sign-in/<uidb64>/<token>/": ("GET, POST", "Sign in by a link, once: GET shows a button, POST uses the link up"),
    "/sign-out/": ("POST", "Sign out"),
    "/welcome/": ("GET, POST", "Choose a password, after the first link"),
}
"""Routes that the OpenAPI document does not hold: what they are for."""


def main() -> None:
    """Write every generated page."""
    os.environ["QUIRE_DATA_DIR"] = tempfile.mkdtemp(prefix="quire-docs-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "quire.settings"
    import django

    django.setup()
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)


def pages() -> dict[str, str]:
    """The text of each generated page, by file name. Django is set up."""
    return {
        "settings.md": "\n".join(settings_page()) + "\n",
        "commands.md": "\n".join(commands_page()) + "\n",
        "http.md": "\n".join(http_page()) + "\n",
    }


def settings_page() -> Iterator[str]:
    from quire.environment import Environment, variable_name

    yield f"# Settings\n\n{NOTE}"
    yield _paragraph(
        "Settings are environment variables, and nothing else is read. `NAME_FILE` gives any of them by the path of a "
        "file that holds the value, as a mounted secret does. An empty variable counts as unset. A wrong value stops "
        "the start with a sentence that says what to set. `quire doctor` shows what is set, secrets by name only."
    )
    yield "| variable | default | meaning |\n| --- | --- | --- |"
    for field in Environment.model_fields.values():
        choices = _choices(field.annotation)
        meaning = f"{field.description}{f': {choices}' if choices else ''}"
        yield f"| `{variable_name(field.validation_alias)}` | {_default(field.default)} | {meaning} |"
    yield ""
    yield _paragraph(
        "`DATABASE_URL` is `sqlite:////path/to/file`, or `postgresql://user:password@host:5432/name`, with options "
        "such as `?sslmode=require`. `TESSDATA_PREFIX`, which is Tesseract's own, names the folder of its language "
        "data where Quire does not find it by itself."
    )


def _choices(annotation: object) -> str:
    if get_origin(annotation) is not Literal:
        return ""
    return ", ".join(f"`{choice}`" for choice in get_args(annotation))


def _default(value: object) -> str:
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and value and value % 2**20 == 0:
        return f"`{value}` ({value // 2**20} MiB)"
    return f"`{value}`"


def commands_page() -> Iterator[str]:
    from quire.cli.lazy import LazyGroup

    group = LazyGroup.quire()
    yield f"# Commands\n\n{NOTE}"
    yield _paragraph(
        "Commands that ask or change documents talk HTTP to the service: to `QUIRE_URL` with `QUIRE_API_KEY` where "
        "these are set, else to the local `quire up`, by the `client.json` in its data folder. They print "
        "`error[code]: message` on standard error ([all codes](errors.md)) and exit with 0 (done), 1 (failed) or "
        "2 (wrong usage or settings). `--json` prints the answer as programs want it. `-h` or `--help` explains each."
    )
    yield "## quire\n\nOptions before any command:\n"
    yield from _options(group)
    for path, command in commands(group):
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        usage = " ".join([path, *(a.make_metavar(click.Context(command)) for a in arguments)])
        yield f"\n## {path}\n\n```\n{usage}{' [OPTIONS]' if _visible(command) else ''}\n```\n"
        yield _sentences(command.help)
        if _visible(command):
            yield ""
            yield from _options(command)


def commands(group: click.Group, path: str = "quire") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its full name, in the order of `--help`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        elif command:
            yield f"{path} {name}", command


def _visible(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and not p.hidden]


def _options(command: click.Command) -> Iterator[str]:
    yield "| option | default | meaning |\n| --- | --- | --- |"
    for option in _visible(command):
        default = f"`{option.default}`" if option.show_default else ""
        yield f"| `{_names(option)}` | {default} | {_sentences(option.help)} |"


def _names(option: click.Option) -> str:
    value = "" if option.is_flag else f" {_value(option)}"
    return f"{', '.join(option.opts)}{value}".replace("|", "\\|")


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.IntRange):
        return "NUMBER"
    return option.make_metavar(click.Context(click.Command("any")))


def _sentences(text: str | None) -> str:
    return " ".join((text or "").split())


def http_page() -> Iterator[str]:
    from quire.api import problems
    from quire.api.urls import api

    document = api.get_openapi_schema()
    yield f"# HTTP\n\n{NOTE}"
    yield _paragraph(
        "JSON in UTF-8. Programs send `Authorization: Bearer qk_…`; a browser its session cookie and, on writing "
        "requests, the CSRF token in `X-CSRFToken`. Every path of the API ends in a slash. A running service shows "
        "the same with every field at `/api/docs/`, and as OpenAPI at `/api/schema/`."
    )
    yield _paragraph(
        "An error is a problem document (RFC 9457, `application/problem+json`) with a stable `code`; "
        "[errors.md](errors.md) lists every code and what to do. 429 and 503 carry `Retry-After` in seconds."
    )
    yield _paragraph(
        "Lists come newest first, `limit` (50, at most 200) at a time; pass `next` as `cursor` for the following "
        "ones. `next` is null at the end."
    )
    operations = list(_operations(document))
    for tag, group in groupby(sorted(operations, key=lambda o: o[2]["tags"][0]), key=lambda o: o[2]["tags"][0]):
        yield f"## {tag.capitalize()}\n\n| call | takes | answers | refuses with |\n| --- | --- | --- | --- |"
        for method, path, told in group:
            call = f"{method} {path}"
            refusals = ", ".join(f"`{code}`" for code in REFUSALS.get(call, []))
            yield f"| `{call}`<br>{told['summary']} | {_takes(told)} | {_answers(told)} | {refusals} |"
        yield ""
    yield "## Refusals that every call shares\n\n| code | HTTP | met at |\n| --- | --- | --- |"
    for code, where in COMMON.items():
        yield f"| `{code}` | {problems.CODES[code][0]} | {where} |"
    yield STREAMS
    yield "## For operators, without a key\n"
    yield from _table(OPERATORS)
    yield ""
    yield _paragraph(
        "They say how many documents there are, never what is in them. Keep `/metrics` to your own network."
    )
    yield "## Pages for people, by session\n"
    yield from _table(PAGES)
    yield "\n## Schemas\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"- `{name}`: {', '.join(f'`{member}`' for member in schema.get('properties', {}))}"


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method.upper(), path, methods[method]


def _takes(told: dict[str, Any]) -> str:
    taken = [_parameter(p) for p in told.get("parameters", []) if p["in"] != "path"]
    for kind, content in told.get("requestBody", {}).get("content", {}).items():
        members = ", ".join(f"`{name}`" for name in content["schema"].get("properties", {}))
        reference = content["schema"].get("$ref", "").rpartition("/")[2]
        taken.append(f"`{reference}`" if reference else f"{kind}: {members}")
    return "<br>".join(taken)


def _parameter(told: dict[str, Any]) -> str:
    place = {"query": "?", "header": "header "}[told["in"]]
    choices = [c for one in told["schema"].get("anyOf", [told["schema"]]) for c in one.get("enum", [])]
    return f"`{place}{told['name']}`{': ' + ', '.join(choices) if choices else ''}"


def _answers(told: dict[str, Any]) -> str:
    return "<br>".join(
        f"{status}{_body(said)}" for status, said in sorted(told["responses"].items(), key=str) if status != "default"
    )


def _body(said: dict[str, Any]) -> str:
    kinds = []
    for kind, content in said.get("content", {}).items():
        reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        kinds.append(f"`{reference}`" if reference else kind)
    return f" {' or '.join(kinds)}" if kinds else ""


STREAMS = """
## Streams

- An answer with `stream: true`: events `token` (`{"text": …}`) as it is written, then `citations` (a list), then
  `done` (the whole `AnswerOut`); or `error` (a problem document) when it breaks off. A `notice` (`{"code", "message"}`)
  comes before the first token when something else than the language model answers, after the last when that broke off.
- A document's events: `document` (a `DocumentOut`) at once and at each change, `deleted` (`{"id": …}`) when it goes.
  The stream ends with the document's final state; asked again after that it answers 204, so that a browser stops.
- All documents' events: the unfinished ones first (the newest 100), then each change. It never ends by itself.
- A comment comes every 15 s, so that no proxy takes the connection for dead.
"""


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(routes: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield "| path | methods | what |\n| --- | --- | --- |"
    for path, (methods, what) in routes.items():
        yield f"| `{path}` | {methods} | {what} |"


if __name__ == "__main__":
    main()
