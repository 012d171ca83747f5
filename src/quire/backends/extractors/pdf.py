"""PDF: the text layer page by page, and OCR for the pages that have none that can be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from quire.backends.extractors.pdf_layout import Layout, read_layout
from quire.backends.extractors.pdf_outline import Outline, outline_headings, read_outline
from quire.backends.extractors.pdf_render import is_blank, render_grey
from quire.backends.extractors.pdf_text import RawText, clean, position, read_text
from quire.backends.extractors.pdf_visible import on_the_page
from quire.backends.extractors.pdfium import PDFIUM_LOCK, count_pages, load_page, open_pdf
from quire.backends.extractors.titles import stated_title
from quire.core.errors import PermanentError
from quire.core.media_types import PDF, PDF_PICTURES
from quire.core.ports import OcrEngine
from quire.core.text_quality import is_usable
from quire.core.types import Heading, Margin, Origin, Page, Run

_STAMP_CHARS = 150
"""So little text over a picture of the whole page is a stamp or a page number on a scan, not the page's text."""
_SCAN_COVER = 0.6
_NO_TEXT = RawText(text="", sources=(), is_cut=False)
MAX_PAGES = 20_000
MAX_IMAGE_PIXELS = 2_000_000_000
"""Of one picture in a page, which PDFium decodes whole to draw it. The largest real one met has 1,225 million."""


class PdfExtractor:
    """Follows `Extractor`. Without an `ocr` engine, pages without usable text come empty, with a warning."""

    media_types = frozenset({PDF, PDF_PICTURES})

    def __init__(self, *, ocr: OcrEngine | None, ocr_dpi: int = 200, max_pages: int = MAX_PAGES) -> None:
        self._ocr = ocr
        self._ocr_dpi = ocr_dpi
        self._max_pages = max_pages

    @contextmanager
    def open(self, path: Path, *, media_type: str = PDF) -> Iterator[PdfExtraction]:
        document = open_pdf(path)
        try:
            self._refuse_too_many(document)
            is_drawn = media_type == PDF_PICTURES
            yield PdfExtraction(document, ocr=self._ocr, ocr_dpi=self._ocr_dpi, is_drawn=is_drawn)
        finally:
            with PDFIUM_LOCK:
                document.close()

    def _refuse_too_many(self, document: pypdfium2.PdfDocument) -> None:
        if len(document) > self._max_pages:
            limit = f"this service is set to read {self._max_pages:,} of one file at most"
            advice = "Divide it and upload the parts, or have the limit raised."
            raise PermanentError(f"This PDF states {len(document):,} pages; {limit}. {advice}", code="too_many_pages")


class PdfExtraction:
    """One opened PDF; holds one page at a time. `is_drawn`: text layers are left alone, and every page read by OCR."""

    def __init__(
        self, document: pypdfium2.PdfDocument, *, ocr: OcrEngine | None, ocr_dpi: int, is_drawn: bool = False
    ) -> None:
        self._document = document
        self._ocr = ocr
        self._ocr_dpi = ocr_dpi
        self._is_drawn = is_drawn
        self._stated_count = len(document)
        with PDFIUM_LOCK:
            self.page_count = count_pages(document)

    @cached_property
    def title(self) -> str:
        with PDFIUM_LOCK:
            return stated_title(self._document.get_metadata_value("Title"))

    @cached_property
    def _outline(self) -> Outline:
        with PDFIUM_LOCK:
            return read_outline(self._document)

    def pages(self, *, first: int = 1) -> Iterator[Page]:
        for number in range(max(first, 1), self.page_count + 1):
            try:
                yield self._checked(self._page(number))
            except (PermanentError, pypdfium2.PdfiumError):
                yield self._checked(self._unread(number, "is damaged and could not be read."))

    def _checked(self, page: Page) -> Page:
        """With its size; the last page says how many are missing behind it."""
        page = replace(page, size=self._size(page.number))
        if page.number < self.page_count or self.page_count == self._stated_count:
            return page
        missing = f"The file states {self._stated_count} pages, of which only {self.page_count} are in it."
        return replace(page, warning=f"{page.warning} {missing}".strip())

    def _size(self, number: int) -> tuple[float, float]:
        try:
            with PDFIUM_LOCK:
                width, height = self._document.get_page_size(number - 1)
        except pypdfium2.PdfiumError:
            return 0.0, 0.0
        return width, height

    def _page(self, number: int) -> Page:
        with PDFIUM_LOCK:
            page = load_page(self._document, number)
            try:
                raw, read = (_NO_TEXT, None) if self._is_drawn else self._text_layer(page, number)
                if read:
                    return read
                if any(prod(picture.get_px_size()) > MAX_IMAGE_PIXELS for picture in _pictures_of(page)):
                    return self._unread(number, "holds a picture of more pixels than can be drawn.")
                picture = self._picture(page)
            finally:
                page.close()
        if picture:
            return self._from_picture(number, raw, *picture)
        return self._from_text_layer(number, raw, Layout()) if is_usable(raw.text) else self._blank(number)

    def _text_layer(self, page: pypdfium2.PdfPage, number: int) -> tuple[RawText, Page | None]:
        """What it says, and the page made of it, where it is the page's text."""
        text_page = page.get_textpage()
        try:
            raw = on_the_page(text_page, read_text(text_page))
            if not is_usable(raw.text) or _is_stamped_scan(page, raw.text):
                return raw, None
            return raw, self._from_text_layer(number, raw, read_layout(text_page, raw))
        finally:
            text_page.close()

    def _from_text_layer(self, number: int, raw: RawText, layout: Layout) -> Page:
        text = clean(raw, paragraph_ends=layout.paragraph_ends, false_ends=layout.false_ends)
        runs = text.runs()
        return Page(
            number=number,
            text=text.text,
            origin=Origin.TEXT_LAYER,
            label=self._label(number),
            headings=self._headings(number, text.text, runs, raw, layout),
            runs=runs,
            margins=tuple(_margins(text.text, runs, raw, layout)),
            warning=f"Page {number} holds more text than is read of one page; its end is left out."
            if raw.is_cut
            else "",
        )

    def _headings(
        self, number: int, text: str, runs: Sequence[Run], raw: RawText, layout: Layout
    ) -> tuple[Heading, ...]:
        """The author's own bookmarks where there are any, else what looks like headings."""
        if self._outline:
            return outline_headings(text, self._outline.get(number, []))
        headings = []
        for found in layout.headings:
            start, end = _cleaned(text, runs, raw, found.start, found.end)
            if start < end:
                headings.append(Heading(start, found.level, " ".join(text[start:end].split())))
        return tuple(headings)

    def _picture(self, page: pypdfium2.PdfPage) -> tuple[NDArray[np.uint8], int] | None:
        """None for a page with nothing on it."""
        if pdfium_c.FPDFPage_CountObjects(page) == 0 and pdfium_c.FPDFPage_GetAnnotCount(page) == 0:
            return None
        picture, dpi = render_grey(page, dpi=self._ocr_dpi)
        return None if is_blank(picture) else (picture, dpi)

    def _from_picture(self, number: int, raw: RawText, picture: NDArray[np.uint8], dpi: int) -> Page:
        if self._ocr is None:
            return self._unread(number, "has no text of its own, and no OCR engine is set up to read its picture.")
        read = self._ocr.read(picture, dpi=dpi)
        if is_usable(raw.text) and len(read.text) < len(raw.text):
            return self._from_text_layer(number, raw, Layout())
        if not read.text:
            return self._unread(number, "is a picture in which no text could be read.")
        with PDFIUM_LOCK:
            return Page(number=number, text=read.text, origin=Origin.OCR, label=self._label(number), words=read.words)

    def _blank(self, number: int) -> Page:
        return Page(number=number, text="", origin=Origin.TEXT_LAYER, label=self._label(number))

    def _unread(self, number: int, what: str) -> Page:
        return Page(
            number=number, text="", origin=Origin.OCR, label=self._label(number), warning=f"Page {number} {what}"
        )

    def _label(self, number: int) -> str:
        with PDFIUM_LOCK:
            label = str(self._document.get_page_label(number - 1) or "").strip()
        return "" if label == str(number) else label


def _margins(text: str, runs: Sequence[Run], raw: RawText, layout: Layout) -> Iterator[Margin]:
    for edge in layout.edges:
        start, end = _cleaned(text, runs, raw, edge.start, edge.end)
        if start < end:
            yield Margin(start, end, edge.place, edge.is_apart)


def _cleaned(text: str, runs: Sequence[Run], raw: RawText, start: int, end: int) -> tuple[int, int]:
    """Where `raw.text[start:end]` stands in the clean `text`, without the white space around it."""
    begin = position(runs, raw.sources[start], end=len(text))
    words = text[begin : position(runs, raw.sources[end - 1] + 1, end=len(text))]
    begin += len(words) - len(words.lstrip())
    return begin, begin + len(words.strip())


def _is_stamped_scan(page: pypdfium2.PdfPage, text: str) -> bool:
    if len(text) > _STAMP_CHARS:
        return False
    left, bottom, right, top = page.get_bbox()
    whole = max((right - left) * (top - bottom), 1.0)
    for picture in _pictures_of(page):
        x1, y1, x2, y2 = picture.get_bounds()
        width, height = min(x2, right) - max(x1, left), min(y2, top) - max(y1, bottom)
        if width > 0 and height > 0 and width * height >= _SCAN_COVER * whole:
            return True
    return False


def _pictures_of(page: pypdfium2.PdfPage) -> Iterator[pypdfium2.PdfImage]:
    yield from page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=2)
