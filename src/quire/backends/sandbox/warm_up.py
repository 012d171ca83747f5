"""A first reading, in the parser process, of a small PDF of our own: what is imported, compiled and cached by it need
not be so again in each child. Without it the first page of a file takes some 10 ms longer."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from quire.core.errors import QuireError
from quire.core.media_types import PDF
from quire.core.ports import Extractor

_LINES = (
    ("22", "A Heading of Some Words"),
    ("11", "A first sentence that is long enough to look like one, and is well-"),
    ("11", "known to be harmless. A second sentence follows it (with 12 % more)."),
    ("16", "Another Heading"),
    ("11", "- an item of a list, and some words after it that end with a full stop."),
)
_PAGE = """%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R
  /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >> endobj
4 0 obj << /Length {length} >> stream
{content}
endstream endobj
trailer << /Root 1 0 R >>
%%EOF
"""


def warm_up(extractor: Extractor) -> None:
    """Read the sample, if the extractor reads PDF at all."""
    with tempfile.NamedTemporaryFile(prefix="quire-") as file:
        file.write(sample())
        file.flush()
        with suppress(QuireError), extractor.open(Path(file.name), media_type=PDF) as extraction:
            for _ in range(2):
                list(extraction.pages())


def sample() -> bytes:
    """One page with headings and sentences."""
    shown = (
        f"BT /F {size} Tf 72 {780 - 30 * row} Td ({_escaped(text)}) Tj ET" for row, (size, text) in enumerate(_LINES)
    )
    content = "\n".join(shown)
    return _PAGE.format(length=len(content), content=content).encode("ascii")


def _escaped(text: str) -> str:
    return text.replace("(", r"\(").replace(")", r"\)")
