"""What a file's name is worth, and how it is made safe."""

from __future__ import annotations

import pytest

from quire.documents import names


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\report.pdf", "report.pdf"),
        ("in\x00vis\u202eible\n.pdf", "invisible.pdf"),
        ("  spaced   out .pdf ", "spaced out .pdf"),
        ("", "Untitled"),
        ("...", "Untitled"),
        ("a" * 300 + ".pdf", "a" * 196 + ".pdf"),
        ("<b>x</b>", "b>"),
        ("日本語の名前.pdf", "日本語の名前.pdf"),
    ],
)
def test_a_files_name_is_made_safe_and_kept_readable(name: str, safe: str) -> None:
    assert names.of_file(name) == safe


@pytest.mark.parametrize("title", ["AC/DC: Q3/Q4 report", "Contract 12/2024", "👨‍👩‍👧", "می‌خواهم"])
def test_a_title_keeps_what_is_no_path(title: str) -> None:
    assert names.clean(title) == title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Northwind_Standard_Benefits-Details.pdf", "Northwind Standard Benefits Details"),
        ("scan_0042.pdf", ""),
        ("20240131-1.pdf", ""),
        ("untitled.docx", ""),
        ("no extension", "no extension"),
    ],
)
def test_a_name_that_says_something_is_a_title(name: str, title: str) -> None:
    assert names.as_title(name) == title
