"""Reading a file of text in whatever encoding it is."""

from __future__ import annotations

import codecs
from pathlib import Path

import charset_normalizer

from quire.core.errors import PermanentError
from quire.core.media_types import markless_utf16

MAX_TEXT_BYTES = 128 * 1024**2
_HEAD_BYTES = 4096
_GUESSED_FROM_BYTES = 256 * 1024
_MIN_GUESSED_BYTES = 200
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text_file(path: Path) -> str:
    """By its byte order mark, else UTF-8, else a guess; line ends as `\\n`, no NUL.

    Raises `PermanentError` (`too_much_text`, `unknown_encoding`).
    """
    return decode(read_bytes(path)).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def read_bytes(path: Path) -> bytes:
    """Raises `PermanentError` (`too_much_text`)."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise PermanentError(
            f"This file holds more than {MAX_TEXT_BYTES // 1024**2} MB of text. Divide it and upload the parts.",
            code="too_much_text",
        )
    return path.read_bytes()


def decode(content: bytes, *, stated: str = "") -> str:
    """`stated` is the encoding that the content itself names. Raises `PermanentError` (`unknown_encoding`)."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        if encoding == "utf-8" and (zeros := markless_utf16(content[:_HEAD_BYTES])):
            encoding = zeros
        return content.decode(encoding)
    except UnicodeDecodeError:
        return _guessed(content, stated)


def _guessed(content: bytes, stated: str) -> str:
    """A few Latin letters fit many code pages: Windows-1252 is the likeliest for a short text, when it fits."""
    best = charset_normalizer.from_bytes(content[:_GUESSED_FROM_BYTES]).best()
    guess = best.encoding if best and len(content) > _MIN_GUESSED_BYTES else ""
    for encoding in filter(None, (stated, guess, "cp1252", "latin-1")):
        try:
            text = content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if not any("\x80" <= character <= "\x9f" for character in text):
            return text
    raise PermanentError(
        "The encoding of this text could not be told. Save it as UTF-8 and upload it again.", code="unknown_encoding"
    )
