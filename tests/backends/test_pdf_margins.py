"""Running heads and page numbers of real PDFs, and body text at the same edges, which must stay content."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.backends.raw_pdf import line, raw_pdf

from quire.backends.extractors.pdf import PdfExtractor
from quire.core.furniture import with_furniture

EXAMPLES = Path(__file__).parents[2] / "examples"
PAPER = "/MediaBox[0 0 400 600]"
BODY = [
    "The trade in pepper and",
    "nutmeg made fortunes in",
    "the ports of the north for",
    "three hundred years and",
    "ruined as many men again.",
]


def body(first: str = "", *, top: float = 520, size: float = 10) -> str:
    rows = ([first] if first else []) + BODY
    return "".join(line(row, y=top - 12 * index, size=size) for index, row in enumerate(rows))


def furniture(path: Path) -> list[list[str]]:
    with PdfExtractor(ocr=None).open(path) as extraction:
        return [[page.text[a:b] for a, b in parts] for page, parts in with_furniture(extraction.pages())]


def of_pages(tmp_path: Path, *contents: str) -> list[list[str]]:
    path = tmp_path / "file.pdf"
    path.write_bytes(raw_pdf(*contents, page=PAPER))
    return furniture(path)


def test_heads_and_numbers_of_the_examples_are_found_and_nothing_else() -> None:
    spice = furniture(EXAMPLES / "spice.pdf")
    sections = [
        "",
        " 2 Antiquity",
        " 4 The age of companies",
        " 5 The chemistry",
        " 6 The trade today",
        " Further reading",
    ]
    assert [parts[0] for parts in spice] == [str(number) for number in range(1, 8)]
    assert [parts[1:] for parts in spice] == [[], *([f"The Spice Trade{section}"] for section in sections)]


@pytest.mark.parametrize(("size", "y"), [(8, 550), (10, 560), (8, 40)])
def test_a_small_or_far_line_on_each_page_is_furniture(tmp_path: Path, size: float, y: float) -> None:
    pages = [body() + line(f"Acme Spices, page {number}", y=y, size=size) for number in range(1, 5)]
    assert of_pages(tmp_path, *pages) == [[f"Acme Spices, page {number}"] for number in range(1, 5)]


def test_repeated_table_headings_are_content(tmp_path: Path) -> None:
    assert of_pages(tmp_path, *[body("Port Tons in 2022 Tons in 2023", top=560)] * 4) == [[]] * 4


def test_the_refrain_of_a_poem_is_content(tmp_path: Path) -> None:
    apart = line("Blow the man down", y=560, size=10) + body(top=560 - 24)
    assert of_pages(tmp_path, *[body("Blow the man down", top=560)] * 4) == [[]] * 4
    assert of_pages(tmp_path, *[apart] * 4) == [[]] * 4


def test_equal_titles_of_slides_are_content(tmp_path: Path) -> None:
    slides = [line("Results", y=550, size=24) + body(top=400, size=12) for _ in range(4)]
    assert of_pages(tmp_path, *slides) == [[]] * 4


def test_a_document_of_two_pages_keeps_what_both_begin_with(tmp_path: Path) -> None:
    pages = [line("Minutes of the board", y=565, size=8) + body(top=500)] * 2
    assert of_pages(tmp_path, *pages) == [[], []]


def test_a_last_sentence_that_stands_alone_is_content(tmp_path: Path) -> None:
    pages = [body() + line("This is said again.", y=60, size=10)] * 4
    assert of_pages(tmp_path, *pages) == [[]] * 4
