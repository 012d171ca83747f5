"""The title that a document states, unless it is one that a program put there."""

from __future__ import annotations

import re
import unicodedata

_MAX_TITLE_CHARS = 300
_JUNK = re.compile(
    r"untitled.*|no title|title|unknown|none|null|\W*"
    r"|(microsoft )?(word|powerpoint|excel)( -|:)? .*|powerpoint presentation|(document|slide|layout|book|sheet) ?\d*"
    r"|\S+\.(docx?|pdf|pptx?|xlsx?|odt|rtf|tex|dvi|ps|indd|qxd|txt|html?|md|pub|cdr|ai)|[\W\d_]+|about:blank",
    re.IGNORECASE,
)


def stated_title(raw: str) -> str:
    """`raw` on one line, as NFC; empty when it is junk such as "untitled" or "Microsoft Word - report.doc"."""
    readable = "".join(c if unicodedata.category(c) not in {"Cc", "Cs", "Co", "Cf"} else " " for c in raw)
    title = unicodedata.normalize("NFC", " ".join(readable.split()))[:_MAX_TITLE_CHARS].strip()
    return "" if _JUNK.fullmatch(title) or title.startswith("\ufffd") else title
