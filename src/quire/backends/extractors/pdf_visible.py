"""Leaves out a PDF's text that stands off its page: the other half of a spread, a printer's notes, a hidden order.

A viewer never shows it, so that nobody could check a citation of it; of a spread it belongs to the page beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import compress

import pypdfium2
import pypdfium2.raw as pdfium_c

from quire.backends.extractors.pdf_text import RawText

_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")

Bounds = tuple[float, float, float, float]
"""Left, bottom, right and top, in points of the page's own space."""


def on_the_page(text_page: pypdfium2.PdfTextPage, raw: RawText) -> RawText:
    """`raw` without the characters that lie wholly outside of what a viewer shows of the page."""
    bounds = text_page.page.get_bbox()
    keep = bytearray(b"\1" * len(raw.text))
    for found in _LINE.finditer(raw.text):
        start, end = found.start() + len(found.group()) - len(found.group().lstrip()), len(found.group().rstrip())
        end += found.start()
        # Two calls a line, and one a character only where an end of it is off the page.
        if all(_is_within(text_page, raw.sources[at], bounds) for at in (start, end - 1)):
            continue
        for at in _off_the_page(text_page, raw, start, end, bounds):
            keep[at] = 0
    if all(keep):
        return raw
    return RawText(text="".join(compress(raw.text, keep)), sources=list(compress(raw.sources, keep)), is_cut=raw.is_cut)


def _off_the_page(
    text_page: pypdfium2.PdfTextPage, raw: RawText, start: int, end: int, bounds: Bounds
) -> Iterator[int]:
    for at in range(start, end):
        if not raw.text[at].isspace() and not _is_within(text_page, raw.sources[at], bounds):
            yield at


def _is_within(text_page: pypdfium2.PdfTextPage, source: int, bounds: Bounds) -> bool:
    """True for a character that has no place of its own, as those have that PDFium adds."""
    box = pdfium_c.FS_RECTF()
    if not pdfium_c.FPDFText_GetLooseCharBox(text_page, source, box) or box.left == box.right:
        return True
    left, bottom, right, top = bounds
    return bool(box.left < right and box.right > left and box.bottom < top and box.top > bottom)
