"""Makes a file's name safe to store and to show; the file itself is stored under a key of our own."""

from __future__ import annotations

import unicodedata

MAX_CHARACTERS = 200
UNNAMED = "Untitled"


def clean(name: str) -> str:
    """The last part of a path, without control and direction characters, NFC, at most 200 characters, never empty.

    The extension survives the cut.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    visible = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in _INVISIBLE)
    tidy = " ".join(visible.split()).strip(". ")
    stem, dot, extension = tidy.rpartition(".")
    if len(tidy) > MAX_CHARACTERS and stem and len(extension) <= 10:
        tidy = stem[: MAX_CHARACTERS - len(extension) - 1] + dot + extension
    return tidy[:MAX_CHARACTERS] or UNNAMED


def as_title(name: str) -> str:
    """What a file's name says of its content: words, without extension and underscores; empty for "scan_0042.pdf"."""
    stem = name.rpartition(".")[0] or name
    title = " ".join(stem.replace("_", " ").replace("-", " ").split())
    says_something = sum(c.isalpha() for c in title) >= 2 * sum(c.isdigit() for c in title) and len(title) >= 3
    return title if says_something and title.casefold() not in _NO_TITLES else ""


_NO_TITLES = {"untitled", "document", "scan", "scanned document", "file", "download", "image", "new document", "page"}
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control, format (which holds the bidirectional marks), surrogate, private, unassigned, line and paragraph ends."""
