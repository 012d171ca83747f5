"""Boxes of words become boxes of lines."""

from __future__ import annotations

from quire.core.lines import line_boxes
from quire.core.types import Box

A4 = 0.707


def test_words_of_a_line_have_one_box_around_them_whatever_their_height() -> None:
    words = [Box(0.1, 0.102, 0.2, 0.12), Box(0.21, 0.1, 0.3, 0.125), Box(0.31, 0.108, 0.33, 0.12)]
    assert line_boxes(words, ratio=A4) == [Box(0.1, 0.1, 0.33, 0.125)]


def test_each_line_has_its_own_box() -> None:
    words = [Box(0.7, 0.1, 0.9, 0.12), Box(0.1, 0.13, 0.2, 0.15), Box(0.21, 0.13, 0.3, 0.15)]
    assert line_boxes(words, ratio=A4) == [words[0], Box(0.1, 0.13, 0.3, 0.15)]


def test_words_of_two_columns_have_two_boxes() -> None:
    words = [Box(0.3, 0.8, 0.45, 0.82), Box(0.55, 0.8, 0.7, 0.82)]
    assert line_boxes(words, ratio=A4) == words


def test_words_written_from_right_to_left_are_one_line() -> None:
    words = [Box(0.5, 0.1, 0.6, 0.12), Box(0.4, 0.1, 0.49, 0.12)]
    assert line_boxes(words, ratio=A4) == [Box(0.4, 0.1, 0.6, 0.12)]


def test_a_skewed_line_has_boxes_that_stay_about_as_high_as_its_words() -> None:
    words = [Box(0.1 * n, 0.1 + 0.004 * n, 0.1 * n + 0.095, 0.12 + 0.004 * n) for n in range(9)]
    boxes = line_boxes(words, ratio=A4)
    assert 1 < len(boxes) < 6
    assert max(box.bottom - box.top for box in boxes) <= 0.0301
    assert (boxes[0].left, boxes[-1].right) == (words[0].left, words[-1].right)


def test_no_words_have_no_box() -> None:
    assert line_boxes([], ratio=A4) == []
