"""From boxes to text: reading order, rejoined words, and where Tesseract's data is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from quire.backends.ocr.reading_order import paragraphs_in_order
from quire.backends.ocr.tesseract import TesseractEngine, find_tessdata, installed_languages
from quire.backends.ocr.words import ReadWord, assemble
from quire.core.errors import PermanentError


def at(text: str, left: float, top: float, width: float = 300, height: float = 20) -> ReadWord:
    return ReadWord(text, left, top, left + width, top + height)


def order(*lines: ReadWord) -> str:
    paragraphs = paragraphs_in_order(lines)
    return "\n\n".join("\n".join(" ".join(line.text for line in row) for row in paragraph) for paragraph in paragraphs)


def column(name: str, left: float, top: float, count: int, width: float = 300) -> list[ReadWord]:
    return [at(f"{name}{n}", left, top + 22 * n, width) for n in range(count)]


def test_columns_of_prose_are_read_one_after_another_between_title_and_footer() -> None:
    title, footer = at("title", 50, 0, 700), at("footer", 300, 300, 200)
    words = order(footer, *column("r", 400, 60, 6), *column("l", 50, 60, 6), title).split()
    assert words == ["title", *(f"l{n}" for n in range(6)), *(f"r{n}" for n in range(6)), "footer"]


def test_columns_whose_lines_do_not_match_are_read_one_after_another() -> None:
    words = order(*column("l", 50, 60, 6), *column("r", 400, 71, 4)).split()
    assert words == [*(f"l{n}" for n in range(6)), *(f"r{n}" for n in range(4))]


def test_receipts_and_tables_are_read_row_by_row() -> None:
    assert order(*column("item", 50, 0, 4, 80), *column("price", 400, 2, 4, 40)) == (
        "item0 price0\nitem1 price1\nitem2 price2\nitem3 price3"
    )


def test_a_wide_step_ends_a_paragraph() -> None:
    assert order(*column("a", 50, 0, 2), *column("b", 50, 90, 2)) == "a0\na1\n\nb0\nb1"


def test_nothing_found_is_nothing_in_order() -> None:
    assert paragraphs_in_order([]) == []


def test_words_cut_at_a_line_end_are_rejoined_and_keep_their_boxes() -> None:
    lines = [[at("the", 0, 0, 10), at("exam-", 10, 0, 10)], [at("ples", 0, 20, 10), at("Anglo-", 10, 20, 10)]]
    result = assemble(
        [[*lines, [at("Saxon", 0, 40, 10)]], [[at("e\u0301", 0, 60, 10), at(" \x00", 5, 5, 5)]]], width=100, height=80
    )
    assert result.text == "the examples Anglo-\nSaxon\n\né"
    assert [result.text[word.start : word.end] for word in result.words] == [
        "the",
        "exam",
        "ples",
        "Anglo-",
        "Saxon",
        "é",
    ]
    assert result.words[2].box == (0.0, 0.25, 0.1, 0.5)


@pytest.mark.parametrize(
    "word",
    [
        ReadWord("left", -30, 10, -10, 20),
        ReadWord("above", 10, -30, 20, -10),
        ReadWord("right", 210, 10, 230, 20),
        ReadWord("below", 10, 110, 20, 130),
        ReadWord("turned", 50, 60, 40, 50),
        ReadWord("thin", 50, 50, 50, 50),
        ReadWord("over", -10, -10, 300, 300),
    ],
    ids=lambda word: word.text,
)
def test_a_word_has_a_box_on_the_page_wherever_its_engine_has_it(word: ReadWord) -> None:
    [(_, _, box)] = assemble([[[word]]], width=200, height=100).words
    assert 0 <= box.left < box.right <= 1
    assert 0 <= box.top < box.bottom <= 1


def test_a_missing_language_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="language data was not found") as refusal:
        TesseractEngine(tessdata=str(tmp_path))
    assert refusal.value.code == "ocr_unavailable"


def test_a_language_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "eng.traineddata").touch()
    with pytest.raises(PermanentError, match="no data for xyz"):
        TesseractEngine(tessdata=str(tmp_path), languages="eng+xyz")


def test_english_comes_first_and_helpers_are_no_languages(tmp_path: Path) -> None:
    for name in ("deu", "osd", "eng", "fra"):
        (tmp_path / f"{name}.traineddata").touch()
    assert installed_languages(tmp_path) == ["eng", "deu", "fra"]


def test_the_folder_named_by_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tessdata").mkdir()
    (tmp_path / "tessdata/eng.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert find_tessdata() == tmp_path / "tessdata"
