"""What every viewer promises. A test class for a backend inherits it and gives the `viewer` fixture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quire.core.errors import PermanentError
from quire.core.ports import Viewer
from quire.testing.files import make_pdf

TEXT = "Cloves grow on Ternate.\nNutmeg grows on Banda."
LINE_END = TEXT.index("\n")


class ViewerContract:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "islands.pdf"
        path.write_bytes(make_pdf([TEXT, ""]))
        return path

    def test_a_page_is_a_jpeg_of_the_width_asked_for(self, viewer: Viewer, path: Path) -> None:
        picture = viewer.draw(path, number=1, width_px=600)
        image = Image.open(io.BytesIO(picture.content))
        assert (image.format, image.size) == ("JPEG", (600, picture.height_px))
        assert picture.width_px == 600
        assert picture.height_px / picture.width_px == pytest.approx(2**0.5, abs=0.01)  # A4

    def test_words_stand_where_they_are_drawn(self, viewer: Viewer, path: Path) -> None:
        [[first], [second]] = viewer.locate(path, number=1, passages=[[(0, LINE_END)], [(LINE_END + 2, 99)]])
        picture = viewer.draw(path, number=1, width_px=1000)
        ink = np.asarray(Image.open(io.BytesIO(picture.content)).convert("L")) < 128
        down, across = np.nonzero(ink)
        assert across.min() / 1000 == pytest.approx(first.left, abs=0.005)
        assert across.max() / 1000 == pytest.approx(max(first.right, second.right), abs=0.005)
        assert first.top < down.min() / picture.height_px < first.bottom < second.bottom
        assert second.top < down.max() / picture.height_px < second.bottom

    def test_each_passage_has_its_own_boxes_one_a_line(self, viewer: Viewer, path: Path) -> None:
        boxes = viewer.locate(path, number=1, passages=[[(0, 6)], [(0, len(TEXT) + 1)], [], [(900, 950)]])
        assert [len(of_passage) for of_passage in boxes] == [1, 2, 0, 0]

    def test_marked_words_are_yellow_and_can_still_be_read(self, viewer: Viewer, path: Path) -> None:
        [[box]] = viewer.locate(path, number=1, passages=[[(0, 6)]])
        picture = viewer.draw(path, number=1, width_px=1000, marks=[box])
        pixels = np.asarray(Image.open(io.BytesIO(picture.content)).convert("RGB")).astype(int)
        is_yellow = (pixels[..., 0] > 220) & (pixels[..., 2] < 180)
        down, across = np.nonzero(is_yellow)
        assert across.min() / 1000 == pytest.approx(box.left, abs=0.01)
        assert across.max() / 1000 == pytest.approx(box.right, abs=0.01)
        assert (pixels[down.min() : down.max(), across.min() : across.max()].sum(axis=2) < 200).any()

    def test_thousands_of_passages_are_located_in_their_order(self, viewer: Viewer, path: Path) -> None:
        boxes = viewer.locate(path, number=1, passages=[[(index % 6, index % 6 + 1)] for index in range(3_000)])
        assert boxes[:6] * 500 == boxes
        assert boxes[0][0].left < boxes[5][0].left

    @pytest.mark.parametrize("number", [0, 3])
    def test_a_page_that_is_not_there_is_a_permanent_error(self, viewer: Viewer, path: Path, number: int) -> None:
        for ask in (
            lambda: viewer.draw(path, number=number, width_px=100),
            lambda: viewer.locate(path, number=number, passages=[[(0, 1)]]),
        ):
            with pytest.raises(PermanentError) as refused:
                ask()
            assert refused.value.code == "page_missing"

    def test_what_is_no_such_file_is_a_permanent_error(self, viewer: Viewer, tmp_path: Path) -> None:
        path = tmp_path / "no.pdf"
        path.write_bytes(b"%PDF-1.7 and no more")
        with pytest.raises(PermanentError):
            viewer.draw(path, number=1, width_px=100)
