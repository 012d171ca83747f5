"""Which text layers are used and which pages go to OCR."""

from __future__ import annotations

import pytest

from quire.core.text_quality import is_usable


@pytest.mark.parametrize(
    "text",
    [
        "An ordinary sentence.",
        "7",
        "Chapter 1 ................................... 12\r\nChapter 2 ................................... 30",
        "Name: ____________________________________________________________",
        "∀x ∈ ℝ : f(x) ≥ 0 ⇒ ∫ f(x) dx ≥ 0",
        "12.50 € | 3,00 € | 8 % | (14.20)",
        "हिन्दी में लिखा हुआ एक वाक्य",
        "Ⅳ 中文也可以",
        "a few \ufffd \ufffd bad ones among many good letters that can be read",
        "end of line hy\ufffephen",
    ],
)
def test_text_that_a_person_can_read_is_used(text: str) -> None:
    assert is_usable(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \r\n\t\xa0",
        "......... ------- _______",
        "\ufffd\ufffd\ufffd a \ufffd\ufffd",
        "\ue012\ue013\ue014 \uf8ff",
        "\x19\x12\x03",
        "(cid:12)(cid:7)(cid:33) (cid:2)",
        "!\"#$%&'( )*+,-./ :;<=>?@ [\\]^ {|}~ !\"#$ %&'()",
        '"7+%-',
    ],
    ids=ascii,
)
def test_text_that_means_nothing_goes_to_ocr(text: str) -> None:
    assert not is_usable(text)
