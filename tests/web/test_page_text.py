"""A page's text as blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quire.core.types import Heading
from quire.web.page_text import Block, blocks, find


def shown(found: list[Block]) -> list[tuple[int, str]]:
    return [(block.level, "".join(piece.text for piece in block.pieces)) for block in found]


def test_headings_and_paragraphs_become_blocks_in_order() -> None:
    text = "1 Plants\n\n1.1 Berries\nA spice is dried.\n\nSaffron."
    headings = [Heading(start=0, level=1, text="1 Plants"), Heading(start=10, level=2, text="1.1 Berries")]
    assert shown(blocks(text, headings=headings)) == [
        (1, "1 Plants"),
        (2, "1.1 Berries"),
        (0, "A spice is dried."),
        (0, "Saffron."),
    ]


def test_lines_that_the_margin_broke_flow_on_and_table_rows_stay() -> None:
    text = "A line as long as its margin lets it be, so broken\nwhere it ends.\n\nClove flower\nMace aril"
    assert shown(blocks(text)) == [
        (0, "A line as long as its margin lets it be, so broken where it ends."),
        (0, "Clove flower\nMace aril"),
    ]


def test_lines_of_a_table_of_contents_stay() -> None:
    text = "1 The plants . . . . . . . . . . . . . . 3\n1.1 Berries . . . . . . . . . . . . . . 3"
    assert shown(blocks(text)) == [(0, text)]


def test_a_mark_over_a_paragraphs_end_marks_both_parts() -> None:
    pieces = [(p.text, p.is_marked) for block in blocks("One two.\n\nThree four.", mark=(4, 15)) for p in block.pieces]
    assert pieces == [("One ", False), ("two.", True), ("Three", True), (" four.", False)]


def test_a_quote_is_found_whatever_its_line_breaks() -> None:
    assert find("so broken\nwhere it ends", "broken where") == (3, 15)
    assert find("so broken", "whole") is None
    assert find("anything", "  ") is None


@given(
    st.text(alphabet="ab \n\t🌶", max_size=60),
    st.lists(st.builds(Heading, start=st.integers(0, 60), level=st.integers(1, 6), text=st.text("ab \n", max_size=5))),
    st.tuples(st.integers(0, 70), st.integers(0, 70)),
)
def test_no_word_of_a_page_is_lost_doubled_or_moved(text: str, headings: list[Heading], mark: tuple[int, int]) -> None:
    found = blocks(text, headings=headings, mark=mark)
    assert "".join("".join(body.split()) for _, body in shown(found)) == "".join(text.split())
    marked = "".join(piece.text for block in found for piece in block.pieces if piece.is_marked)
    assert "".join(marked.split()) == "".join(text[mark[0] : mark[1]].split())
