"""Pages of a PDF, drawn by PDFium."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quire.backends.extractors.pdf_geometry import char_boxes
from quire.backends.extractors.pdf_render import render_page
from quire.core.media_types import PDF
from quire.core.types import Box, Picture


class PdfViewer:
    """Follows `core.ports.Viewer`."""

    media_types = frozenset({PDF})

    def draw(self, path: Path, *, number: int, width_px: int, marks: Sequence[Box] = ()) -> Picture:
        return render_page(path, page_number=number, width_px=width_px, marks=marks)

    def locate(self, path: Path, *, number: int, passages: Sequence[Sequence[tuple[int, int]]]) -> list[list[Box]]:
        return char_boxes(path, page_number=number, passages=passages)
