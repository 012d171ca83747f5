"""What every chunker promises; a backend's test class inherits it and says how to make one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from quire.core.chunking import span_text
from quire.core.ports import Chunker, Tokenizer
from quire.core.types import Chunk, Heading, Margin, Origin, Page

PAGES = [
    "A Treatise of Tides\n\nThe moon pulls at the sea. The sea rises, twice a day, in most places. " * 8,
    "",
    "Spring tides follow the new moon and the full moon. Neap tides follow the quarters.\n\n" * 40,
    "• a list item\n• another one\nName  Height\nDover  6.8 m\nHull  7.3 m\n" * 30,
    "潮汐是海水的周期性涨落。月球引力是主要原因！太阳也有影响？" * 60,
    "ज्वार समुद्र का उठना है। भाटा समुद्र का उतरना है। " * 60,
    "x" * 3_000 + " no full stop in sight and none to come " * 200,
    "The last page ends without a stop",
]


def page(number: int, text: str, *headings: Heading) -> Page:
    return Page(number=number, text=text, origin=Origin.TEXT_LAYER, headings=headings)


def pages(texts: list[str]) -> list[Page]:
    return [page(number, text) for number, text in enumerate(texts, start=1)]


def covered(chunks: list[Chunk], number: int, text: str) -> str:
    """The characters of a page that no chunk holds."""
    held = {
        index
        for chunk in chunks
        for span in chunk.spans
        if span.page == number
        for index in range(span.start, span.end)
    }
    return "".join(char for index, char in enumerate(text) if index not in held)


class ChunkerContract:
    """Needs two fixtures: `chunker`, and the `tokenizer` it counts with; a chunk holds at most `limit_tokens`."""

    limit_tokens = 200

    @pytest.fixture
    def chunker(self) -> Chunker:
        raise NotImplementedError

    @pytest.fixture
    def tokenizer(self) -> Tokenizer:
        raise NotImplementedError

    def test_the_text_of_each_chunk_is_the_text_of_its_spans(self, chunker: Chunker) -> None:
        texts = dict(enumerate(PAGES, start=1))
        chunks = list(chunker.chunk(pages(PAGES)))
        assert chunks
        assert [chunk.text for chunk in chunks] == [span_text(chunk.spans, texts) for chunk in chunks]

    def test_every_word_of_the_pages_is_in_a_chunk(self, chunker: Chunker) -> None:
        chunks = list(chunker.chunk(pages(PAGES)))
        assert "".join(covered(chunks, number, text) for number, text in enumerate(PAGES, start=1)).strip() == ""

    def test_ordinals_count_from_zero_without_gaps(self, chunker: Chunker) -> None:
        chunks = list(chunker.chunk(pages(PAGES)))
        assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))

    def test_chunks_come_in_reading_order(self, chunker: Chunker) -> None:
        begins = [(chunk.spans[0].page, chunk.spans[0].start) for chunk in chunker.chunk(pages(PAGES))]
        assert all(first < second for first, second in pairwise(begins))

    def test_no_chunk_is_longer_than_the_embedder_reads(self, chunker: Chunker, tokenizer: Tokenizer) -> None:
        chunks = list(chunker.chunk(pages(PAGES)))
        assert max(chunk.tokens for chunk in chunks) <= self.limit_tokens
        assert max(len(tokenizer.offsets(chunk.text)) for chunk in chunks) <= self.limit_tokens * 1.1

    def test_the_same_pages_give_the_same_chunks(self, chunker: Chunker) -> None:
        assert list(chunker.chunk(pages(PAGES))) == list(chunker.chunk(pages(PAGES)))

    def test_pages_without_text_give_no_chunk(self, chunker: Chunker) -> None:
        assert list(chunker.chunk(pages(["", " \n\t ", "\u3000"]))) == []
        assert list(chunker.chunk([])) == []

    def test_chunks_come_before_all_pages_were_read(self, chunker: Chunker) -> None:
        read = 0

        def endless() -> Iterator[Page]:
            nonlocal read
            while True:
                read += 1
                yield page(read, PAGES[2])

        chunks = chunker.chunk(endless())
        assert next(iter(chunks)).ordinal == 0
        assert read <= 6

    def test_running_heads_and_page_numbers_are_in_no_chunk(self, chunker: Chunker) -> None:
        texts = [f"The Spice Trade\n{text}\n{number}" for number, text in enumerate(PAGES[2:6], start=1)]
        margins = [(Margin(0, 15, 0.05, True), Margin(len(text) - 1, len(text), 0.95, True)) for text in texts]
        headed = [
            Page(number=number, text=text, origin=Origin.TEXT_LAYER, margins=edges, headings=(Heading(0, 1, "Spice"),))
            for number, (text, edges) in enumerate(zip(texts, margins, strict=True), start=1)
        ]
        chunks = list(chunker.chunk(headed))
        left_out = [covered(chunks, number, text).split("\n") for number, text in enumerate(texts, start=1)]
        assert ["".join(lines).replace(" ", "") for lines in left_out] == [f"TheSpiceTrade{n}" for n in range(1, 5)]
        assert [each.text for each in chunks] == [
            span_text(each.spans, dict(enumerate(texts, start=1))) for each in chunks
        ]
        assert {each.heading_path for each in chunks} == {()}

    def test_a_chunk_knows_the_headings_it_stands_under(self, chunker: Chunker) -> None:
        text = "Tides\n" + PAGES[2] + "Neap\n" + PAGES[2]
        tides, neap = Heading(0, 1, "Tides"), Heading(text.index("Neap\n"), 2, "Neap")
        chunks = list(chunker.chunk([page(1, text, tides, neap), page(2, PAGES[0])]))
        assert chunks[0].heading_path == ("Tides",)
        assert chunks[-1].heading_path == ("Tides", "Neap")

    def test_a_heading_of_the_same_level_ends_the_one_before(self, chunker: Chunker) -> None:
        text = "One\n" + PAGES[2] + "Two\n" + PAGES[2]
        headings = Heading(0, 1, "One"), Heading(text.index("Two\n"), 1, "Two")
        chunks = list(chunker.chunk([page(1, text, *headings)]))
        assert chunks[-1].heading_path == ("Two",)
        assert any(chunk.text.startswith("Two\n") for chunk in chunks)
