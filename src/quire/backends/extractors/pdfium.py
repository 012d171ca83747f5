"""Opening PDF files with PDFium, one caller at a time: the library is not safe for threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium_c

from quire.core.errors import PermanentError

PDFIUM_LOCK = threading.RLock()
"""Held around every call into PDFium, by whoever makes it."""

_IS_LOCKED = "This PDF needs a password. Remove the password and upload it again."
_LOCK_IS_UNKNOWN = (
    "This PDF is protected in a way that Quire cannot open. Save it without protection and upload it again."
)
_BROKEN = "This PDF is damaged or incomplete and cannot be opened. Save or export it again and upload the new file."
_NO_PAGES = "This PDF has no pages that can be found."


def open_pdf(path: Path) -> pypdfium2.PdfDocument:
    """Open from disk; pages are read when asked for. An empty user password is tried. Close it under the lock."""
    with PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(path)
            count = len(document)
        except pypdfium2.PdfiumError as error:
            raise _permanent(error) from error
        if count < 1:
            document.close()
            raise PermanentError(_NO_PAGES, code="corrupt_file")
        return document


def count_pages(document: pypdfium2.PdfDocument) -> int:
    """Pages up to the last one that is in the file, whose own count may be a lie. Under the lock.

    Raises `PermanentError` (`corrupt_file`) when there is none.
    """
    count = len(document)
    while count and not _is_there(document, count - 1):
        count -= 1
    if not count:
        raise PermanentError(_NO_PAGES, code="corrupt_file")
    return count


def _is_there(document: pypdfium2.PdfDocument, index: int) -> bool:
    """By its size, for which PDFium finds the page and does not read it."""
    try:
        document.get_page_size(index)
    except pypdfium2.PdfiumError:
        return False
    return True


@contextmanager
def pdf_page(path: Path, number: int) -> Iterator[pypdfium2.PdfPage]:
    """Page `number` (from 1) of the file, under the lock. Raises `PermanentError` when it cannot be read."""
    with PDFIUM_LOCK:
        document = open_pdf(path)
        try:
            yield load_page(document, number)
        finally:
            document.close()


def load_page(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    """Raises `PermanentError` (`page_missing`, `corrupt_file`)."""
    if not 1 <= number <= len(document):
        raise PermanentError(f"This PDF has no page {number}.", code="page_missing")
    try:
        return document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise PermanentError(f"Page {number} of this PDF is damaged.", code="corrupt_file") from error


def _permanent(error: pypdfium2.PdfiumError) -> PermanentError:
    match getattr(error, "err_code", None):
        case pdfium_c.FPDF_ERR_PASSWORD:
            return PermanentError(_IS_LOCKED, code="encrypted")
        case pdfium_c.FPDF_ERR_SECURITY:
            return PermanentError(_LOCK_IS_UNKNOWN, code="encrypted")
        case _:
            return PermanentError(_BROKEN, code="corrupt_file")
