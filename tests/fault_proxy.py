"""Stands before an HTTP server and breaks what passes, as networks, disks and overloaded services do."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Happening = Literal["answer", "cut", "cut answer", "half written", "damaged", "slow"]
SLOW_S = 5
"""How long a slow answer's body stands still: longer than any test's client waits."""


@dataclass(kw_only=True)
class Fault:
    """What happens to the next `times` requests that fit.

    answer        `status` with an S3 error of this `code`; the server never hears of it
    cut           the connection ends in the middle of the request
    cut answer    the connection ends in the middle of the answer's body
    half written  the server gets half of the body, and its answer is passed on as if nothing were
    damaged       one byte of the answer's body is another
    slow          the answer's body stops in the middle for a while
    """

    happening: Happening
    method: str = ""
    holds: str = ""
    """What the request's path with its query must hold."""
    times: int = 10_000
    status: int = 503
    code: str = "SlowDown"
    headers: dict[str, str] = field(default_factory=dict)

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in {"", method} and self.holds in path


@dataclass(kw_only=True)
class Proxy:
    """Its address, the faults to come, and the requests that came so far."""

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Method and path with query."""
    adds: dict[str, str] = field(default_factory=dict)
    """To the query of each request whose path holds the key."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.requests.append(f"{method} {path}")
            fault = next((fault for fault in self.faults if fault.fits(method, path)), None)
            if fault:
                fault.times -= 1
            return fault

    def with_additions(self, path: str) -> str:
        return path + "".join(f"&{added}" for part, added in self.adds.items() if part in path)


@contextmanager
def proxy_before(target: str) -> Iterator[Proxy]:
    proxy, address = Proxy(), urlsplit(target)

    class Handler(_Handler):
        state = proxy
        target = address.netloc

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Proxy
    target: str

    def do_any(self) -> None:
        fault = self.state.next_fault(self.command, self.path)
        happening = fault.happening if fault else ""
        length = int(self.headers.get("Content-Length", 0))
        if happening == "cut":
            self.rfile.read(length // 2)
            self._hang_up()
            return
        body = self.rfile.read(length)
        if fault and happening == "answer":
            self._answer_error(fault)
            return
        if happening == "half written":
            body = body[: length // 2]
        with suppress(ConnectionError):  # the client has had enough
            self._pass_on(body, happening)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any

    def _pass_on(self, body: bytes, happening: str) -> None:
        connection = http.client.HTTPConnection(self.target, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        connection.request(self.command, self.state.with_additions(self.path), body, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {*_HOP, "server", "date"}:
                self.send_header(name, value)
        stated = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if answer.status != 204:
            self.send_header("Content-Length", stated or "0")
        self.end_headers()
        connection.close()
        self._send(content, happening)

    def _send(self, content: bytes, happening: str) -> None:
        middle = len(content) // 2
        if happening == "damaged":
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        self.wfile.write(content[:middle])
        if happening == "cut answer":
            self._hang_up()
            return
        if happening == "slow":
            self.wfile.flush()
            time.sleep(SLOW_S)
        self.wfile.write(content[middle:])

    def _answer_error(self, fault: Fault) -> None:
        text = f"<?xml version='1.0'?><Error><Code>{fault.code}</Code><Message>As the test asked.</Message></Error>"
        content = b"" if self.command == "HEAD" else text.encode()
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
