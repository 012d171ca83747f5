"""Each viewer keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from viewer_contract import ViewerContract

from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.backends.viewers.pdf import PdfViewer
from quire.core.ports import Viewer


class TestPdfViewer(ViewerContract):
    @pytest.fixture
    def viewer(self) -> Viewer:
        return PdfViewer()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxedExtractor]:
    parts = {"extractor": ("quire.backends.extractors.by_type.ExtractorByType", {})}
    with closing(SandboxedExtractor(**parts, viewer=("quire.backends.viewers.pdf.PdfViewer", {}))) as extractor:
        yield extractor


class TestSandboxedViewer(ViewerContract):
    @pytest.fixture
    def viewer(self, sandbox: SandboxedExtractor) -> Viewer:
        return sandbox.viewer
