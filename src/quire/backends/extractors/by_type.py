"""The extractor for each media type, as one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from quire.backends.extractors.docx import DocxExtractor
from quire.backends.extractors.html import HtmlExtractor
from quire.backends.extractors.markdown import MarkdownExtractor
from quire.backends.extractors.pdf import MAX_PAGES, PdfExtractor
from quire.backends.extractors.plain_text import PlainTextExtractor
from quire.core.errors import PermanentError
from quire.core.ports import Extraction, Extractor, OcrEngine


class ExtractorByType:
    """Follows `Extractor`, for every media type that Quire reads. `ocr` reads the pages of PDFs that are pictures."""

    def __init__(self, *, ocr: OcrEngine | None, max_pages: int = MAX_PAGES) -> None:
        extractors: tuple[Extractor, ...] = (
            PdfExtractor(ocr=ocr, max_pages=max_pages),
            DocxExtractor(),
            HtmlExtractor(),
            MarkdownExtractor(),
            PlainTextExtractor(),
        )
        self._by_type = {media_type: extractor for extractor in extractors for media_type in extractor.media_types}
        self.media_types = frozenset(self._by_type)

    def open(self, path: Path, *, media_type: str) -> AbstractContextManager[Extraction]:
        """Raises `PermanentError` (`unsupported_type`) too."""
        extractor = self._by_type.get(media_type)
        if extractor is None:
            raise PermanentError(f"Files of the type {media_type} are not supported.", code="unsupported_type")
        return extractor.open(path, media_type=media_type)
