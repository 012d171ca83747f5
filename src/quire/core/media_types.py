"""What kind of file this is, told from its content; a name may only choose among kinds of text.

A text under the name of another format is refused: `report.pdf` that holds HTML is the error page of a failed download
far more often than somebody's document. A PDF or a Word document is taken under any name.
"""

from __future__ import annotations

import codecs
import unicodedata
import zipfile
from pathlib import Path

from quire.core.errors import PermanentError

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"
MARKDOWN = "text/markdown"
TEXT = "text/plain"
PDF_PICTURES = f"{PDF}; as=pictures"
"""A PDF of whose pages the pictures are read, by OCR, whatever text they have. No file is taken in as one."""
SUPPORTED = (PDF, DOCX, HTML, MARKDOWN, TEXT)

_SUPPORTED_NAMES = "PDF, Word (.docx), HTML, Markdown and plain text"
_HEAD_BYTES = 4096
_PDF_HEADER_WITHIN = 1024
"""Readers accept a PDF whose header begins within the first 1024 bytes (ISO 32000-1, implementation notes)."""
_MAX_DOCX_PARTS = 10_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BY_SUFFIX = {".html": HTML, ".htm": HTML, ".xhtml": HTML, ".md": MARKDOWN, ".markdown": MARKDOWN, ".mdown": MARKDOWN}
SUFFIXES = (".pdf", ".docx", ".txt", ".text", *_BY_SUFFIX)
"""What files of these types are usually named: all that is taken from a folder, of which nobody chose each file."""
_NEVER_TEXT = frozenset(
    {".pdf", ".doc", ".docx", ".docm", ".xls", ".xlsx", ".xlsm", ".ppt", ".pptx", ".pptm", ".odt", ".ods", ".odp"}
    | {".rtf", ".epub", ".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar"}
    | {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"}
)
"""Suffixes of formats in which a file is no plain text."""
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")

_OTHERS = {
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"II*\x00": "an image",
    b"MM\x00*": "an image",
    b"BM": "an image",
    b"RIFF": "an image or a sound",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"{\\rtf": "an RTF document; save it as .docx or PDF",
    b"%!PS": "a PostScript file; save it as PDF",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
    b"\x1f\x8b": "an archive",
    b"SQLite format 3": "a database",
}


def sniff(path: Path, *, name: str) -> str:
    """One of `SUPPORTED`. `name` is the uploader's name of the file.

    Reads a few kilobytes, and a zip's directory. Raises `PermanentError` (`unsupported_type`), or (`encrypted`) for a
    Word document with a password, which is an OLE file.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"%PDF-" in head[:_PDF_HEADER_WITHIN]:
        return PDF
    if head.startswith(_OLE):
        raise _ole_refusal(path)
    if head.startswith(b"PK"):
        return _docx_or_refusal(path)
    for signature, kind in _OTHERS.items():
        if head.startswith(signature) and not (len(signature) == 2 and _is_text(head)):
            raise _unsupported(f"This is {kind}.")
    if not _is_text(head):
        raise _unsupported("This is not a text that can be read.")
    return _kind_of_text(head, name)


def _kind_of_text(head: bytes, name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix in _NEVER_TEXT:
        raise _unsupported(f"This file is named {suffix}, but it holds plain text or HTML: is it the right file?")
    by_name = _BY_SUFFIX.get(suffix)
    start = head.removeprefix(codecs.BOM_UTF8).replace(b"\x00", b"").lstrip().lower()
    if by_name is None and start.startswith(_HTML_STARTS):
        return HTML
    return by_name or TEXT


def _is_text(head: bytes) -> bool:
    """No control characters but white space; UTF-16 needs its mark, or every second byte zero."""
    if head.startswith(_UTF16_MARKS) or markless_utf16(head):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b\x08" for byte in head)
    return controls <= len(head) * _MAX_CONTROL_SHARE


_MAX_CONTROL_SHARE = 0.05
"""Some: stray controls in a text file are dropped later, and a binary file has a quarter of them."""


def markless_utf16(head: bytes) -> str:
    """`utf-16-le` or `utf-16-be` when this is text so encoded without a byte order mark; else empty.

    Spaces, digits and Latin letters have a zero for one of their bytes, and no character in common use for the other.
    """
    for encoding, zero, other in (("utf-16-le", head[1::2], head[0::2]), ("utf-16-be", head[0::2], head[1::2])):
        if len(zero) > 4 and zero.count(0) >= _MIN_ZERO_SHARE * len(zero) and not other.count(0):
            return encoding if _is_readable_as(encoding, head) else ""
    return ""


_MIN_ZERO_SHARE = 0.1


def _is_readable_as(encoding: str, head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(character) in _NO_TEXT for character in text if character not in "\t\n\r\f")


_NO_TEXT = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Control, unassigned, private, surrogate."""


def _docx_or_refusal(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > _MAX_DOCX_PARTS:
                raise _unsupported("This is an archive of very many files.")
            names = {name.lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise PermanentError(
            "This file is damaged or incomplete: it begins as a Word document or zip archive, and its directory is"
            " missing. Save it again and upload the new file.",
            code="unsupported_type",
        ) from error
    if "[content_types].xml" in names and any(name.startswith("word/") for name in names):
        return DOCX
    for folder, kind in (("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation")):
        if any(name.startswith(folder) for name in names):
            raise _unsupported(f"This is {kind}; save it as PDF.")
    raise _unsupported("This is a zip archive, not a Word document. Upload the documents in it one by one.")


def _ole_refusal(path: Path) -> PermanentError:
    """An OLE file names its streams in UTF-16 in its directory, which lies in its first or last kilobytes as a rule."""
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        directory = b""
        for start in {0, max(0, size - 65_536)}:
            file.seek(start)
            directory += file.read(65_536)
    if "EncryptedPackage".encode("utf-16-le") in directory:
        return PermanentError(
            "This Word document needs a password. Remove the password and upload it again.", code="encrypted"
        )
    return _unsupported("This is an older Office document; save it as .docx or PDF.")


def _unsupported(sentence: str) -> PermanentError:
    return PermanentError(f"{sentence} Quire reads {_SUPPORTED_NAMES}.", code="unsupported_type")
