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


def test_no_words_have_no_box() -> None:
    assert line_boxes([], ratio=A4) == []
