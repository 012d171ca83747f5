"""A whole Quire, as `quire up` runs it: real web, worker, dispatcher and Redis, on a folder and a port of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import parts

MAX_UPLOAD_BYTES = 3 * 2**20
START_LIMIT_S = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The running service: its address, a client with the key of its first account, and its data folder."""

    url: str
    port: int
    http: httpx.Client
    key: str
    data_dir: Path

    def upload(self, content: bytes, *, name: str = "note.txt", **more: Any) -> httpx.Response:
        return self.http.post("/api/ingest/", files={"file": (name, content)}, **more)

    def finished(self, document_id: str, *, within_s: float = 60) -> dict[str, Any]:
        """The document once it is completed or failed."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            document: dict[str, Any] = self.http.get(f"/api/documents/{document_id}/").json()
            if document["status"] != "processing":
                return document
            time.sleep(0.1)
        raise AssertionError(f"still processing after {within_s} s: {document}")

    def take_in(self, content: bytes, *, name: str = "note.txt") -> dict[str, Any]:
        """Upload, and wait until it can be asked."""
        return self.finished(self.upload(content, name=name).json()["document"]["id"])


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("live"), **parts.of_service()) as live:
        yield live


@contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[Live]:
    """`quire up` on this folder, for the time of the block."""
    port = _free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("QUIRE_", "DJANGO_"))}
    env |= {
        "QUIRE_EMBEDDER": "hashing",
        "QUIRE_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "QUIRE_WORKER_CONCURRENCY": "1",
        **settings,
    }
    command = [sys.executable, "-m", "quire", "up", "--port", str(port), "--data-dir", str(data_dir)]
    log = data_dir.with_suffix(".log").open("wb")
    with log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as process:
        try:
            client = _wait_until_ready(process, data_dir, Path(log.name))
            headers = {"Authorization": f"Bearer {client['api_key']}"}
            with httpx.Client(base_url=client["url"], headers=headers, timeout=30, trust_env=False) as http:
                yield Live(url=client["url"], port=port, http=http, key=client["api_key"], data_dir=data_dir)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], data_dir: Path, log: Path) -> dict[str, str]:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        if (data_dir / "client.json").exists():
            client: dict[str, str] = json.loads((data_dir / "client.json").read_text())
            try:
                if httpx.get(f"{client['url']}/readyz", trust_env=False).status_code == 200:
                    return client
            except httpx.TransportError:
                pass
        time.sleep(0.1)
    raise AssertionError("quire up did not start:\n" + log.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
