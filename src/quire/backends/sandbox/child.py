"""The process that parses one file: it tells the worker what it reads, page by page."""

from __future__ import annotations

import os
import socket
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from quire.backends.sandbox import messages
from quire.backends.sandbox.deaths import Cause
from quire.backends.sandbox.limits import Limits, renew_cpu
from quire.core.errors import QuireError
from quire.core.ports import Extractor

_MAX_TRACEBACK = 10_000


def parse_file(*, file: int, channel: socket.socket, extractor: Extractor, media_type: str, limits: Limits) -> None:
    """Answer on `channel` until all is read, the worker has gone, or something is raised. Never raises."""
    try:
        _read(Path(f"/proc/self/fd/{file}"), channel, extractor, media_type, limits)
    except (BrokenPipeError, ConnectionResetError):
        return
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker must be told
        tell(channel, error)


def _read(path: Path, channel: socket.socket, extractor: Extractor, media_type: str, limits: Limits) -> None:
    with extractor.open(path, media_type=media_type) as extraction:
        info = messages.Info(title=extraction.title, page_count=extraction.page_count)
        messages.send(channel, messages.info_message(info))
        first = channel.recv(messages.HEADER.size, socket.MSG_WAITALL)
        if len(first) < messages.HEADER.size:
            return
        for page in extraction.pages(first=messages.HEADER.unpack(first)[0]):
            renew_cpu(limits)
            messages.send(channel, messages.page_message(page))
        messages.send(channel, {"done": True})
        # All is told: a parser that crashes while it tidies up must not spoil it.
        os._exit(0)


def tell(channel: socket.socket, error: BaseException) -> None:
    """Say how it ended, as far as anybody listens."""
    message: dict[str, Any]
    match error:
        case QuireError():
            message = messages.error_message(error)
        case MemoryError():
            message = {"death": Cause.MEMORY}
        case RecursionError():
            message = {"death": Cause.NESTING}
        case _:
            message = {"bug": "".join(traceback.format_exception(error))[-_MAX_TRACEBACK:]}
    with suppress(OSError):
        messages.send(channel, message)
