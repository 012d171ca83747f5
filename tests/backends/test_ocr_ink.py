"""Boxes are fitted to the ink in them, to a part of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from quire.backends.ocr.ink import fit, fit_line
from quire.backends.ocr.words import ReadWord

Picture = NDArray[np.uint8]


def paper(*blots: tuple[int, int, int, int], grey: int = 255, ink: int = 0) -> Picture:
    """A picture 200 wide and 60 high, with ink in these boxes: left, top, right, bottom."""
    picture = np.full((60, 200), grey, np.uint8)
    for left, top, right, bottom in blots:
        picture[top:bottom, left:right] = ink
    return picture


def box(word: ReadWord) -> tuple[float, float, float, float]:
    return word.left, word.top, word.right, word.bottom


@pytest.mark.parametrize(("grey", "ink"), [(255, 0), (250, 160), (20, 240)])
def test_a_box_that_is_a_pixel_off_is_put_right_on_light_and_on_dark_paper(grey: int, ink: int) -> None:
    picture = paper((50, 20, 90, 40), grey=grey, ink=ink)
    for off in (-1, 0, 1):
        assert box(fit(picture, ReadWord("word", 50 + off, 20 - off, 90 + off, 40 + off))) == (50, 20, 90, 40)


def test_a_pixel_that_is_half_ink_counts_half() -> None:
    picture = paper((50, 20, 90, 40))
    picture[19, 50:90] = 102  # three fifths
    picture[20:40, 90] = 178  # three tenths
    assert box(fit(picture, ReadWord("word", 50, 20, 90, 40))) == pytest.approx((50, 19.4, 90.3, 40), abs=0.01)


def test_an_edge_where_other_ink_touches_stays_where_it_was() -> None:
    picture = paper((50, 20, 90, 40), (90, 20, 150, 40))
    assert box(fit(picture, ReadWord("word", 51, 20, 90, 40))) == (50, 20, 90, 40)


def test_a_word_without_ink_or_outside_of_the_picture_stays_as_it_was() -> None:
    for word in (ReadWord("faint", 10, 10, 50, 30), ReadWord("outside", 300, 10, 350, 30)):
        assert fit(paper(grey=240, ink=239), word) == word


def test_a_stroke_of_half_a_pixel_keeps_a_box() -> None:
    picture = paper((120, 20, 121, 40), ink=155)
    picture[18, 120] = 55  # other ink near it, twice as dark
    left, _, right, _ = box(fit(picture, ReadWord("l", 119, 20, 122, 40)))
    assert left < right


def test_a_line_above_or_beside_the_picture_is_given_no_ink_of_it() -> None:
    picture = paper((10, 15, 33, 35))
    for line in (ReadWord("up", 10, -30, 40, -5), ReadWord("left", -40, 10, -5, 40)):
        assert fit_line(picture, line, [line]) == [line]


LINE = ReadWord("to be it", 6, 5, 130, 45)
"""Around all ink of the line, and more."""
EXPECTED = [ReadWord("to", 10, 5, 40, 45), ReadWord("be", 45, 5, 80, 45), ReadWord("it", 85, 5, 120, 45)]


def test_the_words_of_a_line_are_parted_at_its_widest_gaps() -> None:
    picture = paper((10, 15, 20, 35), (23, 20, 33, 35), (48, 15, 70, 35), (90, 18, 95, 35), (97, 15, 110, 35))
    picture = np.minimum(picture, paper((90, 11, 95, 14)))  # the dot of the i
    assert [box(word) for word in fit_line(picture, LINE, EXPECTED)] == [
        (10, 15, 33, 35),
        (48, 15, 70, 35),
        (90, 11, 110, 35),
    ]


def test_what_the_lines_above_and_below_leave_in_the_box_is_not_taken_for_ink_of_this_one() -> None:
    picture = paper((10, 15, 33, 35), (48, 15, 70, 35), (90, 15, 110, 35), (0, 0, 200, 8), (20, 41, 30, 60))
    assert [box(word) for word in fit_line(picture, LINE, EXPECTED)] == [
        (10, 15, 33, 35),
        (48, 15, 70, 35),
        (90, 15, 110, 35),
    ]


def test_a_line_whose_gaps_are_too_few_is_parted_as_expected() -> None:
    found = fit_line(paper((10, 15, 120, 35)), LINE, EXPECTED)
    assert [(word.text, word.left, word.right) for word in found] == [("to", 10, 40), ("be", 45, 80), ("it", 85, 120)]
    assert {(word.top, word.bottom) for word in found} == {(15, 35)}
    assert fit_line(paper(), LINE, EXPECTED) == EXPECTED
