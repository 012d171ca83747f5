"""A bucket that takes connections and says nothing: who needs no file is served all the same."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from tests import postgres_server, s3_server
from tests.api.conftest import Live, running

POOL = 3
UPLOADS = 2 * POOL
LIMIT_S = 60


class Door:
    """Stands before a server; while it is shut, connections are taken and nothing passes."""

    def __init__(self, target: str) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        self.waiting = 0
        self._target = urlsplit(target)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.is_open.set()
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._join, args=[near], daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        far = socket.create_connection((self._target.hostname or "", self._target.port or 0))
        threading.Thread(target=self._pass_on, args=[far, near], daemon=True).start()
        self._pass_on(near, far, counts=True)

    def _pass_on(self, source: socket.socket, target: socket.socket, *, counts: bool = False) -> None:
        with suppress(OSError):
            while piece := source.recv(2**16):
                self.waiting += counts and not self.is_open.is_set()
                self.is_open.wait(LIMIT_S)
                target.sendall(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    door = Door(s3_server.server_url())
    yield door
    door.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Iterator[Live]:
    bucket = s3_server.environment(s3_server.new_bucket(), url=door.url)
    settings = {"DATABASE_URL": postgres_server.new_database(), "QUIRE_DATABASE_POOL": str(POOL), **bucket}
    with running(tmp_path_factory.mktemp("hanging"), **settings) as live:
        yield live


def test_uploads_that_wait_for_the_storage_hold_no_connections_to_the_database(service: Live, door: Door) -> None:
    door.is_open.clear()
    with ThreadPoolExecutor(UPLOADS) as people:
        uploads = [people.submit(service.upload, f"Nutmeg, number {n}.".encode()) for n in range(UPLOADS)]
        try:
            end = time.monotonic() + LIMIT_S
            while door.waiting < UPLOADS:
                assert time.monotonic() < end, "the uploads do not reach the storage"
                time.sleep(0.05)
            answers = [service.http.get("/api/documents/").status_code for _ in range(POOL)]
        finally:
            door.is_open.set()
        taken = [upload.result().status_code for upload in uploads]
    assert answers == [200] * POOL
    assert taken == [202] * UPLOADS
