"""Where words stand on a page."""

from __future__ import annotations

from quire.api.schemas import BoxOut
from quire.core.types import Page


def boxes(page: Page, *, start: int = 0, end: int | None = None) -> list[BoxOut]:
    """The boxes of the words that `text[start:end]` touches; none where only the file itself knows them."""
    stop = len(page.text) if end is None else end
    return [
        BoxOut(start=word.start, end=word.end, **word.box._asdict())
        for word in page.words
        if word.start < stop and word.end > start
    ]
