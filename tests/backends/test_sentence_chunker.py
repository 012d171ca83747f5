"""Where the sentence chunker cuts, on text as hard as documents bring it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quire.backends.chunkers.sentences import SentenceChunker
from quire.backends.chunkers.sentencizer import sentences
from quire.core.chunking import span_text
from quire.core.furniture import with_furniture
from quire.core.types import Chunk, Heading, Margin, Origin, Page


class WordTokenizer:
    """A token is a word or a mark."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def chunk(*texts: str, target: int = 20, overlap: int = 6, headings: tuple[Heading, ...] = ()) -> list[Chunk]:
    chunker = SentenceChunker(tokenizer=WordTokenizer(), target_tokens=target, overlap_tokens=overlap)
    return list(
        chunker.chunk(
            Page(number=number, text=text, origin=Origin.MARKUP, headings=headings if number == 1 else ())
            for number, text in enumerate(texts, start=1)
        )
    )


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


SCRAPS = st.sampled_from(
    [
        "A word.",
        "two ",
        "(three",
        "Mr. Fox ran! ",
        "\n",
        "\n\n",
        "• item",
        " ",
        "中文。",
        "नमस्ते।",
        "x" * 90,
        "\u200b",
        "1.5 ",
    ]
)
PAGE_TEXTS = st.lists(st.lists(SCRAPS | st.text(max_size=12), max_size=25).map("".join), max_size=5)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=PAGE_TEXTS, cuts=st.lists(st.integers(0, 200), max_size=4), target=st.integers(4, 40))
def test_any_pages_are_covered_by_chunks_that_equal_their_spans(texts: list[str], cuts: list[int], target: int) -> None:
    headings = tuple(Heading(cut, 1 + cut % 3, f"H{cut}") for cut in cuts if texts and cut < len(texts[0]))
    chunks = chunk(*texts, target=target, overlap=target // 4, headings=headings)
    numbered = dict(enumerate(texts, start=1))
    held = {(span.page, index) for each in chunks for span in each.spans for index in range(span.start, span.end)}
    assert all(each.text == span_text(each.spans, numbered) and each.text.strip() for each in chunks)
    assert all(each.tokens <= target for each in chunks)
    assert [each.ordinal for each in chunks] == list(range(len(chunks)))
    assert all(
        char.isspace() or (number, index) in held
        for number, text in numbered.items()
        for index, char in enumerate(text)
    )


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=PAGE_TEXTS, cuts=st.lists(st.integers(0, 200), max_size=3), at=st.integers(0, 30), target=st.integers(4, 40)
)
def test_any_page_is_covered_but_for_its_furniture(texts: list[str], cuts: list[int], at: int, target: int) -> None:
    head = "A Running Head"
    headed = [f"{text[:at]}\n{head}\n{text[at:]}" for text in texts]
    pages = [
        Page(
            number=number,
            text=text,
            origin=Origin.TEXT_LAYER,
            headings=tuple(Heading(cut, 1, f"H{cut}") for cut in cuts if cut < len(text)),
            margins=(Margin(text.index(head), text.index(head) + len(head), 0.04, True),),
        )
        for number, text in enumerate(headed, start=1)
    ]
    chunks = list(
        SentenceChunker(tokenizer=WordTokenizer(), target_tokens=target, overlap_tokens=target // 4).chunk(pages)
    )
    furniture = {
        (page.number, index) for page, parts in with_furniture(pages) for a, b in parts for index in range(a, b)
    }
    held = {(span.page, index) for each in chunks for span in each.spans for index in range(span.start, span.end)}
    numbered = dict(enumerate(headed, start=1))
    assert len(furniture) == (len(head) * len(pages) if len(pages) > 2 else 0)
    assert not held & furniture
    assert all(each.text == span_text(each.spans, numbered) and each.text.strip() for each in chunks)
    assert all(
        char.isspace() or (number, index) in held | furniture
        for number, text in numbered.items()
        for index, char in enumerate(text)
    )


def test_words_on_both_sides_of_a_head_in_the_middle_of_a_page_do_not_run_together() -> None:
    texts = [f"It ends here\nA Running Head\nAnd page {word} goes on." for word in ("one", "two", "three")]
    margins = (Margin(13, 27, 0.04, True),)
    pages = [Page(number=n, text=text, origin=Origin.TEXT_LAYER, margins=margins) for n, text in enumerate(texts, 1)]
    (first, *_) = SentenceChunker(tokenizer=WordTokenizer(), target_tokens=9, overlap_tokens=0).chunk(pages)
    assert first.text == "It ends here\nAnd page one goes on."
    assert [span.page for span in first.spans] == [1, 1]


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.lists(SCRAPS | st.text(max_size=12), max_size=40).map("".join))
def test_between_sentences_lies_only_white_space(text: str) -> None:
    found = sentences(text)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in found)
    assert "".join(text[start:end] for start, end in found).split() or not text.strip()
    ends = [0, *(end for _, end in found)]
    starts = [*(start for start, _ in found), len(text)]
    assert all(text[end:start].strip() == "" for end, start in zip(ends, starts, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Fox of Acme Inc. ran. He won!", ["Dr. Fox of Acme Inc. ran.", "He won!"]),
        ("See Fig. 3 and p. 5. It ends.", ["See Fig. 3 and p. 5.", "It ends."]),
        ("It left. (See above.) Next.", ["It left.", "(See above.)", "Next."]),
        ("潮汐涨落。月球引力！“太阳？”好。", ["潮汐涨落。", "月球引力！", "“太阳？”", "好。"]),
        ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
        (
            "A long enough first line of text that\nwraps. Done.",
            ["A long enough first line of text that\nwraps.", "Done."],
        ),
        ("Tides\nThe moon pulls at the sea every day.", ["Tides", "The moon pulls at the sea every day."]),
        ("• One thing\n• Another", ["• One thing", "• Another"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_the_next_chunk_repeats_the_last_sentence_of_the_one_before() -> None:
    chunks = chunk("One two three four five six seven eight nine. Short one here. " * 3, target=20, overlap=6)
    assert chunks[1].text.startswith("Short one here.")
    assert chunks[0].text.endswith("Short one here.")


def test_a_chunk_may_cross_pages_and_says_so_in_its_spans() -> None:
    (only,) = chunk("The first page ends here.", "The second goes on.")
    assert only.text == "The first page ends here.\nThe second goes on."
    assert [span.page for span in only.spans] == [1, 2]
    assert only.page == 1


def test_a_heading_begins_a_new_chunk_without_overlap() -> None:
    text = "Ten words are in this line so that it counts. Small tail.\nTides\nThe moon pulls."
    chunks = chunk(text, headings=(Heading(text.index("Tides"), 1, "Tides"),), target=40)
    assert [each.text.split("\n")[0] for each in chunks] == [text.split("\n")[0], "Tides"]
    assert chunks[1].heading_path == ("Tides",)


def test_a_heading_joins_a_chunk_that_is_still_tiny_and_names_it() -> None:
    text = "Page 3\nTides\nThe moon pulls at the sea."
    (only,) = chunk(text, headings=(Heading(7, 1, "Tides"),), target=40)
    assert only.heading_path == ("Tides",)


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    chunks = chunk("word " * 200)
    assert {each.text for each in chunks} == {" ".join(["word"] * 20)}


def test_a_table_that_is_too_long_is_cut_between_rows() -> None:
    chunks = chunk("alpha and beta and gamma and, \ndelta\n" * 20, target=30, overlap=0)
    assert all(each.text.split()[0] in {"alpha", "delta"} for each in chunks)


@pytest.mark.parametrize("noise", ["a", "(", "a,", "中", "aGVs/+", "- a\n", "\u200b", "x. ("])
def test_a_huge_line_takes_linear_time_and_gives_bounded_chunks(noise: str) -> None:
    began = time.process_time()
    chunks = chunk(noise * (100_000 // len(noise)), target=200, overlap=30)
    assert time.process_time() - began < 5
    assert max(len(each.text) for each in chunks) < 10_000


def test_the_id_changes_with_every_parameter() -> None:
    tokenizer = WordTokenizer()
    ids = {
        SentenceChunker(tokenizer=tokenizer).id,
        SentenceChunker(tokenizer=tokenizer, target_tokens=100).id,
        SentenceChunker(tokenizer=tokenizer, overlap_tokens=0).id,
        SentenceChunker(tokenizer=tokenizer, language="xx").id,
    }
    assert len(ids) == 4


def test_an_overlap_as_long_as_a_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap_tokens"):
        SentenceChunker(tokenizer=WordTokenizer(), target_tokens=50, overlap_tokens=50)
