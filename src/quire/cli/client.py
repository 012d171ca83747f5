"""The service, as client commands see it: JSON in and out, problem documents as failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from quire.cli import address
from quire.cli.errors import Failure

TIMEOUT = httpx.Timeout(60, connect=5)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Json = dict[str, Any]


class Api:
    """A connection to the service; every method raises `Failure` (`unreachable`, or the code of a problem document)."""

    def __init__(self, where: address.Address) -> None:
        self._url = where.url
        self._http = httpx.Client(
            base_url=where.url,
            headers={"Authorization": f"Bearer {where.api_key}"},
            timeout=TIMEOUT,
            trust_env=urlsplit(where.url).hostname not in LOOPBACK,  # no proxy leads to this machine
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Json:
        given = {name: value for name, value in params.items() if value not in (None, "")}
        return self._json("GET", path, params=given)

    def post(self, path: str, **options: Any) -> Json:
        return self._json("POST", path, **options)

    def delete(self, path: str) -> None:
        self._json("DELETE", path)

    def pages(self, path: str, **params: Any) -> Iterator[Json]:
        """Every result of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            yield from page["results"]
            cursor = page.get("next")
            if not cursor:
                return

    def events(self, path: str, body: Json) -> Iterator[tuple[str, Any]]:
        """The server-sent events that answer a POST, as (name, data), to the end of the stream."""
        with (
            self._reaching(),
            self._http.stream("POST", path, json=body, timeout=httpx.Timeout(300, connect=5)) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise failure_of(answer)
            yield from _events(answer.iter_lines())

    def _json(self, method: str, path: str, **options: Any) -> Json:
        with self._reaching():
            answer = self._http.request(method, path, **options)
        if not answer.is_success:
            raise failure_of(answer)
        return dict(answer.json()) if answer.content else {}

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise Failure(
                f"Quire at {self._url} cannot be reached ({error or type(error).__name__}). Start it with `quire up`, "
                "or set QUIRE_URL to where it runs.",
                code="unreachable",
            ) from None


@contextmanager
def connected() -> Iterator[Api]:
    """The service that the settings or `client.json` name."""
    api = Api(address.find())
    try:
        yield api
    finally:
        api.close()


class Refused(Failure):
    """The service answered with a problem; `retry_after_s` when it says how long to wait."""

    retry_after_s: float | None = None


def failure_of(answer: httpx.Response) -> Refused:
    """What a problem document says, or as much as can be said of any other answer."""
    try:
        problem = answer.json()
        refused = Refused(problem.get("detail") or problem.get("title") or "", code=problem["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        refused = Refused(
            f"{answer.request.url} answered {answer.status_code}, and not as Quire does. Is the address right?",
            code="unexpected_answer",
        )
    waiting = answer.headers.get("Retry-After", "")
    refused.retry_after_s = float(waiting) if waiting.isdigit() else None
    return refused


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Events of a `text/event-stream`; the data of ours is JSON on one line, and comments keep it alive."""
    name = ""
    for line in lines:
        kind, _, value = line.partition(": ")
        if kind == "event":
            name = value
        elif kind == "data":
            yield name, json.loads(value)
