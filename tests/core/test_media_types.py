"""Files are known by their content, and refused with a sentence."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from quire.backends.extractors.text_file import read_text_file
from quire.core.errors import PermanentError
from quire.core.media_types import DOCX, HTML, MARKDOWN, PDF, TEXT, sniff
from quire.testing.files import make_docx, make_html, make_pdf

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def kind(content: bytes, tmp_path: Path, name: str = "file.bin") -> str:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return sniff(path, name=name)


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "", "../../a.exe"])
def test_pdf_and_docx_are_known_whatever_their_name(name: str, tmp_path: Path) -> None:
    assert kind(make_pdf(["x"]), tmp_path, name) == PDF
    assert kind(make_docx(["x"]), tmp_path, name) == DOCX


def test_a_pdf_header_may_stand_within_the_first_kilobyte(tmp_path: Path) -> None:
    assert kind(b"\x00junk\n" * 150 + make_pdf(["x"]), tmp_path) == PDF


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"plain words", "notes.txt", TEXT),
        (b"plain words", "notes", TEXT),
        (b"# words", "NOTES.MD", MARKDOWN),
        (b"<p>words", "page.htm", HTML),
        (make_html("<p>words"), "page", HTML),
        (b"\xef\xbb\xbf  <!DOCTYPE HTML><p>words", "page", HTML),
        ("Grüße".encode("utf-16"), "a.txt", TEXT),
        ("plain English words".encode("utf-16-le"), "a.txt", TEXT),
        ("Grüße".encode("latin-1"), "a.txt", TEXT),
        (b"BMW builds cars, MZ built motorcycles", "a.txt", TEXT),
        (b"one stray \x07 control in a longer text", "a.txt", TEXT),
        (b"", "a.txt", TEXT),
    ],
)
def test_only_among_texts_the_name_decides(content: bytes, name: str, expected: str, tmp_path: Path) -> None:
    assert kind(content, tmp_path, name) == expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"MZ\x90\x00\x03" + bytes(60), "a program"),
        (b"\x7fELF" + bytes(60), "a program"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "an image"),
        (b"\xff\xd8\xff\xe0" + bytes(60), "an image"),
        (b"BM" + bytes(60), "an image"),
        (OLE, "older Office document; save it as .docx or PDF"),
        (archive("a.txt"), "a zip archive, not a Word document"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (archive("[Content_Types].xml", "ppt/presentation.xml"), "a PowerPoint"),
        (b"PK\x03\x04" + bytes(60), "damaged"),
        (bytes(range(256)) * 16, "not a text"),
    ],
    ids=["exe", "elf", "png", "jpeg", "bmp", "doc", "zip", "xlsx", "pptx", "cut zip", "binary"],
)
def test_other_files_are_refused_whatever_their_name(content: bytes, says: str, tmp_path: Path) -> None:
    for name in ("a.pdf", "a.txt", "a.docx"):
        with pytest.raises(PermanentError, match=says) as refusal:
            kind(content, tmp_path, name)
        assert refusal.value.code == "unsupported_type"


def test_a_word_document_with_a_password_says_so(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="needs a password") as refusal:
        kind(OLE + "EncryptedPackage".encode("utf-16-le"), tmp_path, "a.docx")
    assert refusal.value.code == "encrypted"


@pytest.mark.parametrize("name", ["report.pdf", "a.DOCX", "picture.png", "archive.zip"])
def test_a_text_under_the_name_of_another_format_is_refused(name: str, tmp_path: Path) -> None:
    for content in (b"Please sign in to download this file.", make_html("<p>404")):
        with pytest.raises(PermanentError, match="is it the right file") as refusal:
            kind(content, tmp_path, name)
        assert refusal.value.code == "unsupported_type"


@pytest.mark.parametrize("text", ["naïve café — Привет", "Привет, мир! Как дела?", "plain English words"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_where_it_reads_as_text(text: str, encoding: str, tmp_path: Path) -> None:
    assert kind(text.encode(encoding), tmp_path, "a.txt") == TEXT
    assert read_text_file(tmp_path / "stored") == text


def test_small_numbers_in_two_bytes_each_are_no_text(tmp_path: Path) -> None:
    samples = b"".join((1 + n % 250).to_bytes(2, "little") for n in range(2000))
    with pytest.raises(PermanentError, match="not a text"):
        kind(samples, tmp_path, "a.txt")
