"""What every extractor promises. A test class for a backend inherits it and gives the fixtures left open here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from quire.core.errors import PermanentError
from quire.core.ports import Extraction, Extractor
from quire.core.types import Origin, Page

COMPOSED = "Zo\u00eb"
DECOMPOSED = "Zoe\u0308"


class ExtractorContract:
    media_type: str
    origin: Origin

    @pytest.fixture
    def extractor(self) -> Extractor:
        raise NotImplementedError

    @pytest.fixture
    def sample(self) -> bytes:
        """A file of three pages or more with the headings "Alpha" and "Beta", and `DECOMPOSED` somewhere."""
        raise NotImplementedError

    @pytest.fixture
    def hopeless(self) -> bytes:
        """A file of this kind from which no text can ever come."""
        raise NotImplementedError

    @pytest.fixture
    def path(self, sample: bytes, tmp_path: Path) -> Path:
        path = tmp_path / "sample"
        path.write_bytes(sample)
        return path

    @pytest.fixture
    def extraction(self, extractor: Extractor, path: Path) -> Iterator[Extraction]:
        with extractor.open(path, media_type=self.media_type) as extraction:
            yield extraction

    @pytest.fixture
    def pages(self, extraction: Extraction) -> list[Page]:
        return list(extraction.pages())

    def test_it_names_the_media_type_it_reads(self, extractor: Extractor) -> None:
        assert self.media_type in extractor.media_types

    def test_pages_are_numbered_from_one_without_gaps_and_as_many_as_counted(
        self, extraction: Extraction, pages: list[Page]
    ) -> None:
        assert len(pages) >= 3
        assert [page.number for page in pages] == list(range(1, extraction.page_count + 1))

    def test_pages_from_a_number_on_are_the_tail_of_all_pages(self, extraction: Extraction, pages: list[Page]) -> None:
        assert list(extraction.pages(first=2)) == pages[1:]
        assert list(extraction.pages(first=len(pages))) == pages[-1:]
        assert list(extraction.pages(first=len(pages) + 1)) == []

    def test_the_same_file_gives_the_same_pages_again(
        self, extractor: Extractor, path: Path, pages: list[Page]
    ) -> None:
        with extractor.open(path, media_type=self.media_type) as again:
            assert list(again.pages()) == pages

    def test_pages_come_one_at_a_time_and_may_be_left_unread(self, extractor: Extractor, path: Path) -> None:
        with extractor.open(path, media_type=self.media_type) as extraction:
            assert next(extraction.pages()).number == 1
        path.unlink()

    def test_text_is_composed_and_holds_no_control_characters(self, pages: list[Page]) -> None:
        text = "".join(page.text for page in pages)
        assert unicodedata.is_normalized("NFC", text)
        assert COMPOSED in text
        assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"]

    def test_pages_have_text_of_the_right_origin_and_no_warnings(self, pages: list[Page]) -> None:
        assert all(page.text == page.text.strip() != "" for page in pages)
        assert {page.origin for page in pages} == {self.origin}
        assert {page.warning for page in pages} == {""}

    def test_headings_stand_where_they_say(self, pages: list[Page]) -> None:
        found = [heading for page in pages for heading in page.headings]
        assert [heading.text for heading in found] == self.headings()
        assert all(heading.level >= 1 for heading in found)
        for page in pages:
            for heading in page.headings:
                assert page.text[heading.start :].startswith(heading.text)

    def headings(self) -> list[str]:
        return ["Alpha", "Beta"]

    def test_a_hopeless_file_is_refused_with_a_sentence(
        self, extractor: Extractor, hopeless: bytes, tmp_path: Path
    ) -> None:
        path = tmp_path / "hopeless"
        path.write_bytes(hopeless)
        with (
            pytest.raises(PermanentError, match=r"^[A-Z].* .*\.$") as refusal,
            extractor.open(path, media_type=self.media_type),
        ):
            pass
        assert refusal.value.code in {"corrupt_file", "no_text"}
