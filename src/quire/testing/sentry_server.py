"""A server that takes what Sentry takes: envelopes over HTTP, after Sentry's published protocol.

https://develop.sentry.dev/sdk/foundations/transport/envelopes/: a line of JSON for the envelope, then for each item a
line of JSON with its type and length, and its bytes. Like Sentry, it keeps one event an id.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
PROJECT = "42"
Event = dict[str, Any]


class SentryServer(ThreadingHTTPServer):
    """Listens on a free port of this machine from the moment it is made."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: dict[str, Event] = {}
        """By id, in order of arrival."""
        self.deliveries: list[str] = []
        """The id of each event that arrived, also of one that was there already."""
        self.bodies: list[bytes] = []
        """All that was sent, unpacked: to look for what must not be in it."""
        self.arrived = threading.Condition()

    @property
    def dsn(self) -> str:
        return f"http://{PUBLIC_KEY}@127.0.0.1:{self.server_address[1]}/{PROJECT}"

    def wait_for(self, count: int, *, limit_s: float = 30) -> list[Event]:
        """All events, once there are `count` of them. Raises `TimeoutError`."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.events) >= count, timeout=limit_s):
                raise TimeoutError(f"{len(self.events)} of {count} events came")
            return list(self.events.values())


@contextmanager
def serving() -> Iterator[SentryServer]:
    """A server for the time of the block."""
    with SentryServer() as server:
        thread = threading.Thread(target=server.serve_forever, name="sentry", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def items(body: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Header and payload of each item of an envelope. Raises `ValueError` for what is none."""
    header, _, rest = body.partition(b"\n")
    json.loads(header)
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        described: dict[str, Any] = json.loads(line)
        length = described.get("length")
        payload = rest.partition(b"\n")[0] if length is None else rest[:length]
        if length is not None and len(payload) != length:
            raise ValueError("an item is shorter than it says")
        yield described, payload
        rest = rest[len(payload) :].removeprefix(b"\n")


class _Handler(BaseHTTPRequestHandler):
    server: SentryServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != f"/api/{PROJECT}/envelope/" or f"sentry_key={PUBLIC_KEY}" not in self.headers["X-Sentry-Auth"]:
            return self._answer(401, {"detail": "bad sentry DSN public key"})
        try:
            taken = [(header, payload) for header, payload in items(body)]
        except ValueError as error:
            return self._answer(400, {"detail": f"bad envelope: {error}"})
        with self.server.arrived:
            self.server.bodies.append(body)
            for header, payload in taken:
                if header["type"] == "event":
                    event: Event = json.loads(payload)
                    self.server.deliveries.append(event["event_id"])
                    self.server.events.setdefault(event["event_id"], event)
            self.server.arrived.notify_all()
        return self._answer(200, {"id": json.loads(body.partition(b"\n")[0]).get("event_id", "")})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gave it
        """Nothing: its tests tell."""
