"""Every extractor keeps the contract."""

from __future__ import annotations

import pytest
from tests.contracts.extractor_contract import DECOMPOSED, ExtractorContract

from quire.backends.extractors.by_type import ExtractorByType
from quire.backends.extractors.docx import DocxExtractor
from quire.backends.extractors.html import HtmlExtractor
from quire.backends.extractors.markdown import MarkdownExtractor
from quire.backends.extractors.pdf import PdfExtractor
from quire.backends.extractors.plain_text import PlainTextExtractor
from quire.core import media_types
from quire.core.ports import Extractor
from quire.core.types import Origin
from quire.testing.files import make_broken_pdf, make_docx, make_html, make_pdf, make_scan_pdf
from quire.testing.ocr import FakeOcrEngine

PROSE = "The moons of Jupiter were seen by Galileo in January. " * 4
LONG = "The moons of Jupiter were seen by Galileo in January. " * 60
"""More than a page."""


class TestPdfTextLayer(ExtractorContract):
    media_type = media_types.PDF
    origin = Origin.TEXT_LAYER

    @pytest.fixture
    def extractor(self) -> Extractor:
        return PdfExtractor(ocr=None)

    @pytest.fixture
    def sample(self) -> bytes:
        return make_pdf([f"# Alpha\n\n{PROSE}", f"## Beta\n\n{PROSE}", f"{PROSE} Zo\u00eb"], title="Moons")

    @pytest.fixture
    def hopeless(self) -> bytes:
        return make_broken_pdf()


class TestPdfOcr(ExtractorContract):
    media_type = media_types.PDF
    origin = Origin.OCR

    @pytest.fixture
    def extractor(self) -> Extractor:
        return PdfExtractor(ocr=FakeOcrEngine(texts=["Zo\u00eb was read."]))

    @pytest.fixture
    def sample(self) -> bytes:
        return make_scan_pdf(["one", "two", "three"], width_px=200, height_px=100)

    @pytest.fixture
    def hopeless(self) -> bytes:
        return b"%PDF-1.7\nnothing at all"

    def headings(self) -> list[str]:
        return []


class TestDocx(ExtractorContract):
    media_type = media_types.DOCX
    origin = Origin.MARKUP

    @pytest.fixture
    def extractor(self) -> Extractor:
        return DocxExtractor()

    @pytest.fixture
    def sample(self) -> bytes:
        return make_docx(["# Alpha", PROSE, "\f", "## Beta", f"- {DECOMPOSED}", LONG, LONG], title="Moons")

    @pytest.fixture
    def hopeless(self) -> bytes:
        return make_docx(["Lost."])[:300]


class TestHtml(ExtractorContract):
    media_type = media_types.HTML
    origin = Origin.MARKUP

    @pytest.fixture
    def extractor(self) -> Extractor:
        return HtmlExtractor()

    @pytest.fixture
    def sample(self) -> bytes:
        return make_html(f"<h1>Alpha</h1><p>{LONG}</p><h2>Beta</h2><p>{LONG}{DECOMPOSED}</p><p>{LONG}</p>")

    @pytest.fixture
    def hopeless(self) -> bytes:
        return make_html("<script>nothing()</script>")


class TestMarkdown(ExtractorContract):
    media_type = media_types.MARKDOWN
    origin = Origin.MARKUP

    @pytest.fixture
    def extractor(self) -> Extractor:
        return MarkdownExtractor()

    @pytest.fixture
    def sample(self) -> bytes:
        return f"# Alpha\n\n{LONG}\n\nBeta\n----\n\n{LONG}{DECOMPOSED}\n\n{LONG}\n".encode()

    @pytest.fixture
    def hopeless(self) -> bytes:
        return b"---\ntitle: Nothing\n---\n"


class TestPlainText(ExtractorContract):
    media_type = media_types.TEXT
    origin = Origin.MARKUP

    @pytest.fixture
    def extractor(self) -> Extractor:
        return PlainTextExtractor()

    @pytest.fixture
    def sample(self) -> bytes:
        return f"{LONG}\n\n{DECOMPOSED}\n\n{LONG}\n\n{LONG}\x00\x07\n".encode()

    @pytest.fixture
    def hopeless(self) -> bytes:
        return b" \n\t\x00 \n"

    def headings(self) -> list[str]:
        return []


class TestByType(TestDocx):
    @pytest.fixture
    def extractor(self) -> Extractor:
        return ExtractorByType(ocr=None)

    def test_it_reads_every_supported_type(self, extractor: Extractor) -> None:
        assert extractor.media_types == {*media_types.SUPPORTED, media_types.PDF_PICTURES}
