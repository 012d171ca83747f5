"""A bucket at a server that speaks S3 (moto's), in a process of its own: `python -m benchmarks.chaos.bucket`.

Prints its port once it listens, and ends with its standard input. `POST /_chaos/refuse?seconds=1` has it answer 503
to everything for so long; `POST /_chaos/older?seconds=60` makes all objects older, as no client of S3 can.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from benchmarks.chaos.outside import BUCKET, make_bucket
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

Begin = Callable[..., Any]
SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class Refusing:
    """A WSGI application before moto's."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._until = 0.0

    def __call__(self, environ: dict[str, Any], begin: Begin) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/_chaos/"):
            seconds = float(parse_qs(environ["QUERY_STRING"])["seconds"][0])
            _make_older(seconds) if path.endswith("older") else self._refuse(seconds)
            return _answer(begin, "200 OK", b"")
        if time.monotonic() < self._until:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _answer(begin, "503 Slow Down", b"" if environ["REQUEST_METHOD"] == "HEAD" else SLOW_DOWN)
        return self._moto(environ, begin)

    def _refuse(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds


def serve() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, Refusing(), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    make_bucket(server.server_port)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


def _make_older(seconds: float) -> None:
    for held in s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys.values():
        held.last_modified -= timedelta(seconds=seconds)


def _answer(begin: Begin, status: str, content: bytes) -> list[bytes]:
    begin(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))])
    return [content]


if __name__ == "__main__":
    serve()
