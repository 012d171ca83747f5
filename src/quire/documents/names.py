"""Makes a file's name safe to store and to show; the file itself is stored under a key of our own."""

from __future__ import annotations

import unicodedata

MAX_CHARACTERS = 200
UNNAMED = "Untitled"


def of_file(name: str) -> str:
    """A file's name made safe: the last part of a path, which some programs send whole."""
    return clean(name.replace("\\", "/").rstrip("/").rpartition("/")[2])


def clean(name: str) -> str:
    """A name or title without control and direction characters, NFC, at most 200 characters, never empty.

    An extension survives the cut.
    """
    visible = "".join(c for c in unicodedata.normalize("NFC", name) if _is_visible(c))
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
_JOINERS = "\u200c\u200d"
"""Without them Persian, Indic scripts and emoji read otherwise."""
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control, format (which holds the bidirectional marks), surrogate, private, unassigned, line and paragraph ends."""


def _is_visible(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in _INVISIBLE
