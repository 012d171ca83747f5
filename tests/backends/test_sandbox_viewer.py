"""A page that does something to whoever draws it does nothing to the web."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.backends.sandbox.viewer import SandboxedViewer
from quire.core.errors import PermanentError


@pytest.fixture(scope="module")
def viewer() -> Iterator[SandboxedViewer]:
    sandbox = SandboxedExtractor(
        extractor=("quire.backends.extractors.by_type.ExtractorByType", {}),
        viewer=("tests.backends.naughty_viewer.NaughtyViewer", {}),
        limits={"page_s": 1.5, "memory_bytes": 200 * 2**20},
    )
    with closing(sandbox):
        yield sandbox.viewer


@pytest.mark.parametrize(
    ("wish", "code"),
    [("loop", "parser_timeout"), ("crash", "parser_crash"), ("hoard", "parser_memory"), ("script", "parser_crash")],
)
def test_a_page_that_ends_its_drawing_is_an_error_and_the_next_is_drawn(
    viewer: SandboxedViewer, tmp_path: Path, wish: str, code: str
) -> None:
    path = tmp_path / "page"
    path.write_text(wish)
    with pytest.raises(PermanentError) as refused:
        viewer.draw(path, number=1, width_px=100)
    assert refused.value.code == code
    assert viewer.draw(path, number=2, width_px=100).width_px == 1


def test_boxes_of_other_passages_than_were_asked_for_are_not_believed(viewer: SandboxedViewer, tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text("x")
    with pytest.raises(PermanentError) as refused:
        viewer.locate(path, number=1, passages=[[(0, 1)]])
    assert refused.value.code == "parser_crash"


def test_many_pages_asked_for_at_once_are_all_drawn(viewer: SandboxedViewer, tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text("x")
    with ThreadPoolExecutor(16) as pool:
        drawn = list(pool.map(lambda number: viewer.draw(path, number=number, width_px=100), range(2, 42)))
    assert len(drawn) == 40
