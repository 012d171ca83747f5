"""A server that does what Pinecone does, over real HTTP on a free port: both planes, its limits, its delay, its faults.

    control plane   /indexes…                  `testing.pinecone.control`
    data plane      /vectors/…, /query, …      `testing.pinecone.index`

After the OpenAPI that Pinecone publishes. Both planes share one address, so a project here has one index. What it does
not do: pods, sparse vectors, records that Pinecone embeds, imports, backups.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from quire.testing.pinecone.control import Body, Project
from quire.testing.pinecone.index import Answer, Index
from quire.testing.pinecone.refusal import Refusal, invalid, missing, too_large

API_KEY = "pcsk_test_0123456789"
MAX_REQUEST_BYTES = 2 * 2**20
Happening = Literal["answer", "cut", "hang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request instead of its answer: a status, a connection that is cut, or no answer at all."""

    path: str = ""
    """What the request's path begins with."""
    status: int = 503
    message: str = "Service unavailable"
    headers: dict[str, str] = field(default_factory=dict)
    happening: Happening = "answer"
    is_done: bool = False
    """True: the request is carried out all the same, and only its answer is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer; `bytes` are those of the request's body."""

    method: str
    path: str
    version: str
    request: Body
    status: int
    answer: Body
    bytes: int


class PineconeServer(ThreadingHTTPServer):
    """Listens from the moment it is made. Attributes may be set at any time."""

    daemon_threads = True

    def __init__(self, *, api_key: str = API_KEY) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api_key = api_key
        self.project = Project(host=self.url)
        self.exchanges: list[Exchange] = []
        """In order of their answers; faults too, with an empty answer where none was sent."""
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def index(self) -> Index:
        """The project's one index. Raises `Refusal` when there is none."""
        for described in self.project.indexes.values():
            return described.index
        raise missing("There is no index")

    def fail_next(self, fault: Fault, *, times: int = 1) -> None:
        """Let the next requests that the fault is meant for meet it, one after another."""
        with self.lock:
            self.faults += [fault] * times

    def next_fault(self, path: str) -> Fault | None:
        with self.lock:
            for place, fault in enumerate(self.faults):
                if path.startswith(fault.path):
                    return self.faults.pop(place)
        return None

    def calls(self, path: str) -> list[Exchange]:
        """The exchanges whose path begins so."""
        with self.lock:
            return [exchange for exchange in self.exchanges if exchange.path.startswith(path)]

    def ids(self, namespace: str) -> list[str]:
        """Every id that can be found there, in order."""
        found: list[str] = []
        token = ""
        with self.lock:
            while True:
                answer, _ = self.index.list_ids(prefix="", limit=100, token=token, name=namespace)
                found += [vector["id"] for vector in answer["vectors"]]
                if not (token := answer.get("pagination", {}).get("next", "")):
                    return found


@contextmanager
def serving(*, api_key: str = API_KEY) -> Iterator[PineconeServer]:
    """A server for the time of the block."""
    with PineconeServer(api_key=api_key) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="pinecone")
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: PineconeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        self._handle({})

    def do_DELETE(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._handle(json.loads(raw or b"{}"), size=len(raw))

    def _handle(self, request: Body, *, size: int = 0) -> None:
        path = urlsplit(self.path).path
        fault = self.server.next_fault(path)
        if fault and not fault.is_done:
            return self._meet(fault, request, size)
        status, answer, headers = self._carry_out(path, request, size)
        if fault:
            return self._meet(fault, request, size)
        return self._send(status, answer, headers, request, size)

    def _carry_out(self, path: str, request: Body, size: int) -> tuple[int, Body, dict[str, str]]:
        try:
            with self.server.lock:
                self._check(size)
                answer, headers = self._control(path, request) if _is_control(path) else self._data(path, request)
        except Refusal as refusal:
            return refusal.status, self._body(refusal), {}
        created = self.command == "POST" and path == "/indexes"
        return (201 if created else 200), answer, headers

    def _body(self, refusal: Refusal) -> Body:
        return refusal.as_error_response() if _is_control(self.path) else refusal.as_rpc_status()

    def _check(self, size: int) -> None:
        if self.headers.get("Api-Key") != self.server.api_key:
            raise Refusal(401, 16, "Invalid API Key")
        if not self.headers.get("X-Pinecone-Api-Version"):
            raise invalid("The header X-Pinecone-Api-Version is required")
        if size > MAX_REQUEST_BYTES:
            raise too_large(f"Message length too large: found {size} bytes, the limit is {MAX_REQUEST_BYTES} bytes")

    def _control(self, path: str, request: Body) -> Answer:
        project, version = self.server.project, self.headers["X-Pinecone-Api-Version"]
        name = unquote(path.removeprefix("/indexes").strip("/"))
        if self.command == "POST" and not name:
            return project.create(request, version=version), {}
        if self.command == "DELETE":
            return project.delete(name), {}
        return (project.describe(name, version=version) if name else project.list(version=version)), {}

    def _data(self, path: str, request: Body) -> Answer:
        index = self.server.index
        posts = {
            "/vectors/upsert": index.upsert,
            "/query": index.query,
            "/vectors/delete": index.delete,
            "/vectors/update": index.update,
            "/describe_index_stats": index.describe_index_stats,
        }
        if self.command == "POST" and path in posts:
            return posts[path](request)
        if self.command == "GET" and path.startswith("/vectors/"):
            return self._read(index, path)
        return self._namespaces(index, path)

    def _read(self, index: Index, path: str) -> Answer:
        given = parse_qs(urlsplit(self.path).query)
        one = {key: values[-1] for key, values in given.items()}
        name = one.get("namespace", "")
        if path == "/vectors/fetch":
            return index.fetch(given.get("ids", []), name)
        if path == "/vectors/list":
            limit, token = int(one.get("limit", 100)), one.get("paginationToken", "")
            return index.list_ids(prefix=one.get("prefix", ""), limit=limit, token=token, name=name)
        raise missing(f"There is no {path}")

    def _namespaces(self, index: Index, path: str) -> Answer:
        name = unquote(path.removeprefix("/namespaces").strip("/"))
        if not path.startswith("/namespaces") or self.command == "POST":
            raise missing(f"There is no {path}")
        if self.command == "DELETE":
            return index.delete_namespace(name)
        return index.describe_namespace(name) if name else index.list_namespaces()

    def _meet(self, fault: Fault, request: Body, size: int) -> None:
        if fault.happening == "answer":
            refusal = Refusal(fault.status, 14 if fault.status >= 500 else 8, fault.message)
            return self._send(fault.status, self._body(refusal), fault.headers, request, size)
        self._note(0, {}, request, size)
        if fault.happening == "hang":
            self.server.closing.wait()
        else:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"')
        self.close_connection = True
        return None

    def _send(self, status: int, answer: Body, headers: dict[str, str], request: Body, size: int) -> None:
        self._note(status, answer, request, size)
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _note(self, status: int, answer: Body, request: Body, size: int) -> None:
        exchange = Exchange(
            method=self.command,
            path=urlsplit(self.path).path,
            version=self.headers.get("X-Pinecone-Api-Version", ""),
            request=request,
            status=status,
            answer=answer,
            bytes=size,
        )
        with self.server.lock:
            self.server.exchanges.append(exchange)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gave it
        """Nothing: its tests tell."""


def _is_control(path: str) -> bool:
    return path == "/indexes" or path.startswith("/indexes/")
