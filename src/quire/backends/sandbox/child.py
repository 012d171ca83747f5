"""The process that parses one file: it tells the worker what it reads, page by page, or shows one page of it."""

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
from quire.core.ports import Extractor, Viewer

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


def view_page(*, file: int, channel: socket.socket, viewer: Viewer, wanted: dict[str, Any]) -> None:
    """Send the picture of a page, or where passages stand on it, as `wanted` says. Never raises."""
    path = Path(f"/proc/self/fd/{file}")
    try:
        if "width_px" in wanted:
            messages.send(channel, messages.picture_message(viewer.draw(path, **wanted)))
        else:
            messages.send(channel, {"boxes": viewer.locate(path, **wanted)})
        os._exit(0)
    except (BrokenPipeError, ConnectionResetError):
        return
    except BaseException as error:  # noqa: BLE001 - whatever it is, who asked must be told
        tell(channel, error)


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
