"""Which lines at the edges of pages are running heads and page numbers, and which only look like them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from quire.core.furniture import PAGES_AROUND, content, with_furniture
from quire.core.types import Margin, Origin, Page

TOP, BOTTOM = 0.05, 0.95


def page(number: int, *edges: tuple[str, float], is_apart: bool = True) -> Page:
    """A page whose edge lines stand before its body."""
    text = "\n".join([*(words for words, _ in edges), "The body of the page."])
    starts = [text.index(words) for words, _ in edges]
    margins = (
        Margin(start, start + len(words), place, is_apart) for start, (words, place) in zip(starts, edges, strict=True)
    )
    return Page(number=number, text=text, origin=Origin.TEXT_LAYER, margins=tuple(margins))


def found(pages: Sequence[Page]) -> list[list[str]]:
    return [[page.text[start:end] for start, end in furniture] for page, furniture in with_furniture(pages)]


def heads(*lines: str, place: float = TOP, is_apart: bool = True) -> list[list[str]]:
    """What is found of lines at one place of pages in a row; an empty one is a page without."""
    edges: list[list[tuple[str, float]]] = [[(line, place)] if line else [] for line in lines]
    return found([page(number, *each, is_apart=is_apart) for number, each in enumerate(edges, start=1)])


def test_a_line_that_comes_again_at_its_place_is_a_running_head() -> None:
    assert heads("The Spice Trade", "", "The Spice Trade", "The Spice Trade") == [
        ["The Spice Trade"],
        [],
        ["The Spice Trade"],
        ["The Spice Trade"],
    ]


def test_heads_of_left_and_right_pages_may_take_turns() -> None:
    lines = ["Anna Author", "On Nutmeg"] * 4
    assert heads(*lines) == [[line] for line in lines]


def test_numbers_may_count_on_with_the_pages_in_any_script() -> None:
    lines = ["Report | page 1 of 9", "Report | page 2 of 9", "Report | page 3 of 9"]
    assert heads(*lines, place=BOTTOM) == [[line] for line in lines]
    assert heads("iii", "iv", "v", place=BOTTOM) == [["iii"], ["iv"], ["v"]]
    assert heads("第1页", "第2页", place=BOTTOM) == [["第1页"], ["第2页"]]


def test_a_head_may_name_the_section_beside_the_book() -> None:
    lines = ["The Spice Trade 1 Plants", "The Spice Trade 2 Antiquity", "The Spice Trade Further reading"]
    assert heads(*lines) == [[line] for line in lines]


def test_a_page_number_close_to_the_body_must_count_on_over_three_pages() -> None:
    assert heads("7", "8", "9", place=BOTTOM, is_apart=False) == [["7"], ["8"], ["9"]]
    assert heads("7", "8", place=BOTTOM, is_apart=False) == [[], []]


@pytest.mark.parametrize(
    "lines",
    [
        ("The Spice Trade", "The Spice Trade"),
        ("Introduction", "Method", "Results", "Discussion"),
        ("1904", "1904", "1904", "1904"),
        ("12", "31", "7", "95"),
    ],
    ids=["two pages", "headings", "a number that stays", "numbers that mean something"],
)
def test_lines_that_do_not_repeat_or_count_on_are_content(lines: tuple[str, ...]) -> None:
    assert heads(*lines) == [[] for _ in lines]


def test_notes_at_the_foot_that_begin_alike_are_content() -> None:
    lines = [f"See Ridgway and Burnell, {topic}" for topic in ("on coins", "on pepper", "on ships")]
    assert heads(*lines, place=BOTTOM) == [[], [], []]


def test_the_same_words_elsewhere_on_the_pages_are_content() -> None:
    assert found([page(n, ("Nevermore", 0.05 + n / 50)) for n in range(1, 5)]) == [[], [], [], []]


def test_repeated_table_headings_that_are_not_apart_are_content() -> None:
    assert heads(*["Port 2022 2023"] * 5, is_apart=False) == [[]] * 5


def test_a_line_far_away_says_nothing() -> None:
    lines = ["Nutmeg", *[""] * PAGES_AROUND, "Nutmeg", *[""] * PAGES_AROUND, "Nutmeg"]
    assert heads(*lines) == [[] for _ in lines]


def test_pages_wait_for_few_others() -> None:
    read: list[int] = []

    def endless() -> Iterator[Page]:
        while True:
            read.append(len(read) + 1)
            yield page(len(read), ("The Spice Trade", TOP))

    assert next(iter(with_furniture(endless())))[1] == ((0, 15),)
    assert len(read) == PAGES_AROUND + 1


def test_content_is_what_lies_between() -> None:
    text = "Head\nBody one\n7\n \nFoot"
    assert [text[start:end].strip() for start, end in content(text, [(0, 4), (14, 15), (18, 22)])] == ["Body one"]
    assert list(content(" \n", [])) == []


def test_a_line_that_is_all_of_its_page_is_what_the_page_says() -> None:
    """Labels, certificates, slides: pages alike, a number apart from it."""
    pages = [
        Page(
            number=number,
            text=f"Page {number} of five. The quick brown fox.",
            origin=Origin.TEXT_LAYER,
            margins=(Margin(0, 36, TOP, False),),
        )
        for number in range(1, 6)
    ]
    assert found(pages) == [[]] * 5
