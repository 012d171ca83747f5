"""Plain text: paragraphs at empty lines, pages at form feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quire.backends.extractors.paging import Block, MarkupExtraction, paged
from quire.backends.extractors.text_file import read_text_file
from quire.core.media_types import TEXT


class PlainTextExtractor:
    """Follows `Extractor`. Pages are cut as in `paging`."""

    media_types = frozenset({TEXT})

    @contextmanager
    def open(self, path: Path, *, media_type: str = TEXT) -> Iterator[MarkupExtraction]:
        yield paged((Block(text=text) for text in re.split(r"\n[ \t]*\n", read_text_file(path))), title="")
