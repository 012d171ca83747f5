"""What a child may say, as JSON frames; the worker believes none of it before it is checked.

A frame is its length in 4 bytes, big-endian, and a JSON object: `{"info": …}`, then `{"page": …}` for each page, then
`{"done": true}`; where one page is to be shown, `{"picture": …}` or `{"boxes": …}`; or, instead of any of them,
`{"error": …}`, `{"death": …}` or `{"bug": …}`.
"""

from __future__ import annotations

import base64
import json
import math
import re
import socket
import struct
from dataclasses import dataclass
from typing import Any, NoReturn

from quire.core.errors import PermanentError, QuireError, RateLimited, TransientError
from quire.core.types import Box, Heading, Margin, Origin, Page, Picture, Run, Word

HEADER = struct.Struct(">I")
MAX_PAGES = 1_000_000
_MAX_TITLE = 2_000
_MAX_LABEL = 200
_MAX_SENTENCE = 1_000
_MAX_WAIT_S = 3_600.0
_MAX_SOURCE = 2**31
_MAX_SIDE_PX = 65_535
_JPEG = b"\xff\xd8\xff"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KINDS: dict[str, type[QuireError]] = {"permanent": PermanentError, "transient": TransientError}


class BadMessage(Exception):
    """A frame that no honest child sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What is known of a file once it is open."""

    title: str
    page_count: int


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    payload = json.dumps(message, separators=(",", ":")).encode()
    channel.sendall(HEADER.pack(len(payload)) + payload)


def info_message(info: Info) -> dict[str, Any]:
    return {"info": {"title": info.title[:_MAX_TITLE], "page_count": info.page_count}}


def page_message(page: Page) -> dict[str, Any]:
    return {
        "page": {
            "number": page.number,
            "text": page.text,
            "origin": page.origin,
            "label": page.label[:_MAX_LABEL],
            "headings": page.headings,
            "words": page.words,
            "runs": page.runs,
            "margins": page.margins,
            "size": page.size,
            "warning": page.warning,
        }
    }


def picture_message(picture: Picture) -> dict[str, Any]:
    content = base64.b64encode(picture.content).decode()
    return {"picture": {"content": content, "width_px": picture.width_px, "height_px": picture.height_px}}


def error_message(error: QuireError) -> dict[str, Any]:
    kind = "rate_limited" if isinstance(error, RateLimited) else "transient"
    if isinstance(error, PermanentError):
        kind = "permanent"
    fields: dict[str, Any] = {"kind": kind, "code": error.code, "message": error.message[:_MAX_SENTENCE]}
    if isinstance(error, RateLimited):
        fields |= {"retry_after_s": error.retry_after_s}
    return {"error": fields}


def parse(frame: bytes) -> tuple[str, Any]:
    """The kind of a frame and its content, still unchecked. Raises `BadMessage`."""
    try:
        message = json.loads(frame, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadMessage("not JSON") from error
    if not isinstance(message, dict) or len(message) != 1:
        raise BadMessage("not one field")
    [(kind, content)] = message.items()
    return kind, content


def info_from(content: Any) -> Info:
    """Raises `BadMessage`."""
    try:
        return Info(title=_text(content["title"], _MAX_TITLE), page_count=_whole(content["page_count"], 0, MAX_PAGES))
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"info: {error}") from error


def page_from(content: Any, *, number: int) -> Page:
    """Page `number` and no other, its offsets inside its text and in order. Raises `BadMessage`."""
    try:
        text = _text(content["text"])
        return Page(
            number=_whole(content["number"], number, number),
            text=text,
            origin=Origin(content["origin"]),
            label=_text(content["label"], _MAX_LABEL),
            headings=tuple(_headings(content["headings"], len(text))),
            words=tuple(_words(content["words"], len(text))),
            runs=tuple(_runs(content["runs"], len(text))),
            margins=tuple(_margins(content["margins"], len(text))),
            size=_size(content["size"]),
            warning=_text(content["warning"], _MAX_SENTENCE),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadMessage(f"page {number}: {error}") from error


def picture_from(content: Any) -> Picture:
    """A JPEG by its first bytes, so that no browser takes it for anything else. Raises `BadMessage`."""
    try:
        picture = Picture(
            content=base64.b64decode(_text(content["content"]), validate=True),
            width_px=_whole(content["width_px"], 1, _MAX_SIDE_PX),
            height_px=_whole(content["height_px"], 1, _MAX_SIDE_PX),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"picture: {error}") from error
    if not picture.content.startswith(_JPEG):
        raise BadMessage("picture: no JPEG")
    return picture


def boxes_from(content: Any, *, count: int) -> list[list[Box]]:
    """Of `count` passages. Raises `BadMessage`."""
    try:
        passages = [[Box(*map(_number, box)) for box in boxes] for boxes in content]
    except (TypeError, ValueError) as error:
        raise BadMessage(f"boxes: {error}") from error
    if len(passages) != count:
        raise BadMessage("boxes: not as many as asked for")
    return passages


def error_from(content: Any) -> QuireError:
    """Raises `BadMessage`."""
    try:
        code, message = _text(content["code"]), _text(content["message"], _MAX_SENTENCE)
        if not _CODE.fullmatch(code):
            raise ValueError("code")
        if content["kind"] == "rate_limited":
            seconds = min(max(_number(content["retry_after_s"]), 0.0), _MAX_WAIT_S)
            error: QuireError = RateLimited(message, retry_after_s=seconds)
            error.code = code
            return error
        return _KINDS[content["kind"]](message, code=code)
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"error: {error}") from error


def _headings(rows: Any, size: int) -> list[Heading]:
    return [Heading(_whole(start, 0, size), _whole(level, 1, 100), _text(text)) for start, level, text in rows]


def _words(rows: Any, size: int) -> list[Word]:
    words = []
    for start, end, box in rows:
        left, top, right, bottom = map(_number, box)
        words.append(Word(_whole(start, 0, size), _whole(end, start, size), Box(left, top, right, bottom)))
    return words


def _runs(rows: Any, size: int) -> list[Run]:
    runs, free = [], 0
    for start, source, length in rows:
        run = Run(_whole(start, free, size), _whole(source, 0, _MAX_SOURCE), _whole(length, 0, size - start))
        free = run.start + run.length
        runs.append(run)
    return runs


def _margins(rows: Any, size: int) -> list[Margin]:
    return [
        Margin(_whole(start, 0, size), _whole(end, start, size), _number(place), _flag(is_apart))
        for start, end, place, is_apart in rows
    ]


def _size(value: Any) -> tuple[float, float]:
    width, height = map(_number, value)
    return width, height


def _text(value: Any, longest: int | None = None) -> str:
    """No NUL, which PostgreSQL refuses, and no lone surrogate, which is no Unicode text."""
    if type(value) is not str or (longest is not None and len(value) > longest) or "\0" in value:
        raise ValueError("text")
    value.encode()
    return value


def _whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{value!r:.20} is not from {low} to {high}")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("flag")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("number")
    return float(value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
