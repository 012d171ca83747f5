"""The best OCR engine that this machine has."""

from __future__ import annotations

from quire.backends.ocr.rapid import RapidOcrEngine
from quire.backends.ocr.tesseract import TesseractEngine
from quire.core.errors import PermanentError
from quire.core.ports import OcrEngine


def best_engine() -> OcrEngine:
    """Tesseract where its data is found, else RapidOCR. Raises `PermanentError` (`ocr_unavailable`) without either."""
    try:
        return TesseractEngine()
    except PermanentError:
        return RapidOcrEngine()
