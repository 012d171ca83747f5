"""An extractor that does what its file says: each line is a page, and a line `!word` a deed done in the parser.

The first line is done when the file is opened; `ok` there does nothing. What a deed finds out is its page's text.
As Markdown a file is read as it stands, and nothing is done; but of `!mute`, which aborts, there is nothing to read.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from quire.backends.extractors.pdf import PdfExtraction, PdfExtractor
from quire.core.errors import PermanentError, RateLimited
from quire.core.media_types import MARKDOWN, PDF, PDF_PICTURES, TEXT
from quire.core.ports import OcrEngine
from quire.core.types import Origin, Page


class NaughtyExtractor:
    """Follows `Extractor`, in its way."""

    media_types = frozenset({TEXT, MARKDOWN})

    def __init__(self, *, ocr: OcrEngine | None, greeting: str = "") -> None:
        self._ocr = ocr
        self.greeting = greeting

    @contextmanager
    def open(self, path: Path, *, media_type: str) -> Iterator[NaughtyExtraction]:
        opening, *lines = path.read_text().splitlines()
        if media_type == MARKDOWN:
            if not lines:
                raise PermanentError("There is no text in this file.", code="no_text")
            yield NaughtyExtraction(title="", lines=[line.removeprefix("!").removeprefix("mute") for line in lines])
            return
        yield NaughtyExtraction(title=_done(opening) + self.greeting, lines=lines)


class NaughtyExtraction:
    def __init__(self, *, title: str, lines: list[str]) -> None:
        self.title = title
        self._lines = lines
        self.page_count = 10**6 if lines[:1] == ["!endless"] else len(lines)

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        for number in range(first, self.page_count + 1):
            line = "x" * 100_000 if self.page_count == 10**6 else self._lines[number - 1]
            yield Page(number=number, text=_done(line), origin=Origin.MARKUP)


class BreakingPdfExtractor(PdfExtractor):
    """Reading the text of the first page of several ends it, as if PDFium had a bug there."""

    @contextmanager
    def open(self, path: Path, *, media_type: str = PDF) -> Iterator[PdfExtraction]:
        with super().open(path, media_type=media_type) as extraction:
            yield extraction if media_type == PDF_PICTURES else cast(PdfExtraction, _Breaking(extraction))


class _Breaking:
    def __init__(self, extraction: PdfExtraction) -> None:
        self.title = extraction.title
        self.page_count = extraction.page_count
        self._extraction = extraction

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        if first == 1 < self.page_count:
            os.abort()
        yield from self._extraction.pages(first=first)


def _done(line: str) -> str:
    if not line.startswith("!"):
        return line
    deed, _, argument = line[1:].partition(" ")
    try:
        return DEEDS[deed](argument)
    except OSError as error:
        return f"refused: {type(error).__name__}"


def _loop(_: str) -> str:
    while True:
        pass


def _sleep(seconds: str) -> str:
    time.sleep(float(seconds))
    return "slept"


def _recurse(_: str) -> str:
    def down(depth: int) -> int:
        return down(depth + 1) + 1

    return str(down(0))


def _allocate(megabytes: str) -> str:
    return str(len(bytearray(int(megabytes) * 2**20)))


def _hoard(_: str) -> str:
    kept = []
    while True:
        kept.append(bytearray(2**20))


def _abort(_: str) -> str:
    os.abort()


def _segfault(_: str) -> str:
    return str(ctypes.string_at(0))


def _exit(code: str) -> str:
    os._exit(int(code))


def _text(length: str) -> str:
    return "x" * int(length)


def _refuse(_: str) -> str:
    raise PermanentError("This file needs a password.", code="encrypted")


def _wait(_: str) -> str:
    raise RateLimited("Later.", retry_after_s=7)


def _bug(_: str) -> str:
    raise ZeroDivisionError("a bug of ours")


def _write(path: str) -> str:
    Path(path).write_bytes(b"x" * 100_000)
    return "written"


def _read(path: str) -> str:
    return Path(path).read_text()


def _parents_environment(_: str) -> str:
    return Path(f"/proc/{os.getppid()}/environ").read_text()


def _fork(_: str) -> str:
    """A child that leaves the group, as a daemon does, and sleeps; its number is the text."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            time.sleep(600)
        os.write(write_end, str(pid).encode())
        os._exit(0)
    return os.read(read_end, 20).decode()


def _thread(_: str) -> str:
    found: list[str] = []
    thread = threading.Thread(target=found.append, args=["from a thread"])
    thread.start()
    thread.join()
    return found[0]


def _connect(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    return "connected"


def _internet(_: str) -> str:
    with socket.socket() as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", 9))
    return "connected"


def _once(argument: str) -> str:
    """A deed, if this file is still there; only an unconfined parser can delete it."""
    path, _, deed = argument.partition(" ")
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return "ok"
    return _done(deed)


def _kill_parent(_: str) -> str:
    os.kill(os.getppid(), signal.SIGKILL)
    return "killed"


def _stop_self(_: str) -> str:
    """Only an unconfined parser can."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return "went on"


def _kill_self(_: str) -> str:
    """As the kernel does when memory runs out; only an unconfined parser can."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "killed"


def _talk_nonsense(words: str) -> str:
    """What a parser that was taken over may do: write on every descriptor that it has."""
    payload = words.encode()
    for number in range(3, 64):
        try:
            os.write(number, len(payload).to_bytes(4, "big") + payload)
        except OSError:
            continue
    return "said"


DEEDS: dict[str, Callable[[str], str]] = {
    "loop": _loop,
    "sleep": _sleep,
    "recurse": _recurse,
    "allocate": _allocate,
    "hoard": _hoard,
    "abort": _abort,
    "mute": _abort,
    "segfault": _segfault,
    "exit": _exit,
    "text": _text,
    "refuse": _refuse,
    "wait": _wait,
    "bug": _bug,
    "write": _write,
    "read": _read,
    "parents_environment": _parents_environment,
    "environment": lambda _: " ".join(sorted(os.environ)),
    "pid": lambda _: str(os.getpid()),
    "fork": _fork,
    "thread": _thread,
    "connect": _connect,
    "internet": _internet,
    "kill_parent": _kill_parent,
    "kill_self": _kill_self,
    "stop_self": _stop_self,
    "once": _once,
    "nonsense": _talk_nonsense,
}
