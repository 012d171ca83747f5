"""QUIRE_MAX_PAGES reaches the parser, sandboxed or not, and the person is told what holds here and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from quire import environment, registry, wiring
from quire.backends.sandbox.extractor import SandboxedExtractor
from quire.core.errors import PermanentError
from quire.core.media_types import PDF
from quire.testing.files import make_pdf


@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_a_pdf_of_more_pages_than_the_setting_allows_is_refused_with_both_numbers(
    settings: Settings, tmp_path: Path, sandbox: str
) -> None:
    env = environment.read({"QUIRE_MAX_PAGES": "2", "QUIRE_SANDBOX": sandbox, "QUIRE_EMBEDDER": "hashing"})
    settings.QUIRE_BACKENDS = wiring.backends(env, data_dir=configured.DATA_DIR)
    extractor = registry.extractor()
    assert isinstance(extractor, SandboxedExtractor) == (sandbox == "on")
    path = tmp_path / "three.pdf"
    path.write_bytes(make_pdf(["One.", "Two.", "Three."]))
    try:
        with pytest.raises(PermanentError) as caught, extractor.open(path, media_type=PDF):
            pass
        path.write_bytes(make_pdf(["One.", "Two."]))
        with extractor.open(path, media_type=PDF) as extraction:
            assert extraction.page_count == 2
    finally:
        if isinstance(extractor, SandboxedExtractor):
            extractor.close()
    assert caught.value.code == "too_many_pages"
    assert caught.value.message == (
        "This PDF states 3 pages; this service is set to read 2 of one file at most. "
        "Divide it and upload the parts, or have the limit raised."
    )
