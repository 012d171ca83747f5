"""What the servers that stand in for providers of models share: real HTTP, calls kept, failures on demand."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

POLL_S = 0.01
HELD_S = 20.0
"""An answer that is held is cut off after this, so that no test hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    """Names in small letters."""
    body: dict[str, Any]
    client_port: int = 0
    """The same for all calls over one connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered in place of the right answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    """Waited before a byte is sent."""
    is_dropped: bool = False
    """The connection is closed without an answer."""


class Refusal(Exception):
    """The request is not as the vendor wants it; carries what it would answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Stream = Iterator[bytes]


class ModelServer(ThreadingHTTPServer):
    """Listens on a free port of this machine from the moment it is made; `answer` is the vendor's part."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *, api_key: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.api_key = api_key
        self.calls: list[Call] = []
        self.was_hung_up = threading.Event()
        """A client closed its connection in the middle of a stream."""
        self._replies: deque[Reply] = deque()
        self._said: Sequence[str] | None = None
        self._lock = threading.Lock()
        self.breaks_with: Reply | None = None
        """A stream ends with this error, as an event of its own."""
        self.held_after: int | None = None
        """Pieces of a stream after which no other comes: it waits until the client has gone, or `HELD_S` is over."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail_next(self, *replies: Reply) -> None:
        """Answer the next calls so, in this order."""
        self._replies.extend(replies)

    @property
    def said(self) -> Sequence[str] | None:
        return self._said

    def say(self, *pieces: str) -> None:
        """Answer every question by these pieces from now on; none brings back the rule."""
        self._said = pieces or None

    def answer(self, call: Call) -> Any:
        """The right answer: a JSON value, or an iterator of the stream's bytes. Raises `Refusal`."""
        raise NotImplementedError

    def take(self, call: Call) -> Any:
        """Keep the call, and answer it."""
        with self._lock:
            self.calls.append(call)
            planned = self._replies.popleft() if self._replies else None
        if planned is not None:
            raise Refusal(planned)
        return self.answer(call)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error of the server's."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Pieces of a stream are small and come one by one: none waits for the next."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().process_request(request, client_address)


Server = TypeVar("Server", bound=ModelServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server at work for the time of the block."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="model-server", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            self._send(Reply(status=400, body={"error": {"code": 400, "message": "the body is no JSON"}}))
            return
        self._answer(body)

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(path=self.path, headers=headers, body=body, client_port=self.client_address[1])
        try:
            answer = self.server.take(call)
        except Refusal as refusal:
            self._send(refusal.reply)
            return
        if isinstance(answer, Iterator):
            self._stream(answer)
        else:
            self._send(Reply(body=answer))

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.delay_s)
        if reply.is_dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        is_text = isinstance(reply.body, str)
        content = reply.body.encode() if is_text else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if is_text else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, pieces: Stream) -> None:
        """Server-sent events, chunked. A piece that is empty cuts the connection off."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for place, piece in enumerate(pieces, start=1):
            if not piece:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if place == self.server.held_after:
                self.close_connection = True
                if self._is_hung_up():
                    self.server.was_hung_up.set()
                return
        self.wfile.write(b"0\r\n\r\n")

    def _is_hung_up(self) -> bool:
        """A client that waits for an answer sends nothing: what can be read is its end."""
        readable, _, _ = select.select([self.connection], [], [], HELD_S)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

    def log_message(self, *args: Any) -> None:
        """Tests look at `calls`."""
