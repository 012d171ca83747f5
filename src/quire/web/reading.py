"""A document's pages as the reading room shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpRequest

from quire import registry
from quire.core.types import Heading
from quire.documents import contents
from quire.documents.models import Document, Page
from quire.documents.services import NotFoundError
from quire.web.page_text import Block, blocks, find

NEIGHBOURS = 1
"""Pages to each side of the wanted one that come with the first answer; the browser asks for others as they near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which page a link leads to, and which words there: by their range, else by the quote itself."""

    page: int = 1
    mark: tuple[int, int] | None = None
    quote: str = ""

    def range_in(self, page: Page) -> tuple[int, int] | None:
        """The words to mark on this page."""
        if page.number != self.page:
            return None
        if self.mark:
            return self.mark
        return find(page.text, self.quote) if self.quote else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page as shown; without `blocks` it is a place to be filled when it nears."""

    number: int
    label: str = ""
    origin: str = ""
    blocks: list[Block] | None = None
    size: tuple[float, float] | None = None
    """Of a page to look at: its width and height in points."""
    mark: str = ""
    """Of a page to look at: the range of its text to box, as an address says it."""


SUGGESTED = 3
MOST_LOOKED_AT = 40
_TELLING = re.compile(r"(?=.*[^\W\d_]{3}).{3,70}", re.DOTALL)
"""A heading that can be asked about: some words, and no more than a line of them."""
_NUMBERED = re.compile(r"^(?:\d+\.)*\d*\.?\s+")

A4 = (595.0, 842.0)
"""For a page whose size was not kept; its picture corrects it."""


def suggested(document: Document) -> list[str]:
    """Headings of the document that somebody may begin by asking about, without their numbers; the outermost first."""
    entries = sorted(contents.outline(document, limit=MOST_LOOKED_AT), key=lambda entry: entry.level)
    names = [_NUMBERED.sub("", entry.text) for entry in entries]
    return list(dict.fromkeys(name for name in names if _TELLING.fullmatch(name)))[:SUGGESTED]


def has_pictures(document: Document) -> bool:
    """Whether its pages can be looked at, as those of a PDF can."""
    active = document.active_ingestion
    return active is not None and active.media_type in registry.viewer().media_types


def wanted(request: HttpRequest, *, page: int | None = None) -> Wanted:
    """What the address asks for: `page`, `mark=<start>-<end>`, `quote`; nonsense asks for nothing."""
    first, _, last = request.GET.get("mark", "").partition("-")
    start, end = _number(first), _number(last)
    return Wanted(
        page=(_number(request.GET.get("page", "")) or 1) if page is None else page,
        mark=None if start is None or end is None else (start, end),
        quote=request.GET.get("quote", ""),
    )


def _number(text: str) -> int | None:
    """A whole number that a database can hold."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def sheets(document: Document, want: Wanted) -> list[Sheet]:
    """Every page of the content that answers now, those around the wanted one with their text."""
    active = document.active_ingestion
    if active is None:
        return []
    near = range(want.page - NEIGHBOURS, want.page + NEIGHBOURS + 1)
    filled = {page.number: sheet(page, want) for page in active.pages.filter(number__in=near)}
    return [filled.get(number) or Sheet(number=number) for number in range(1, active.pages_done + 1)]


def pictures(document: Document, want: Wanted) -> list[Sheet]:
    """Every page of the content that answers now, to be looked at: pictures and words are fetched by the API."""
    active = document.active_ingestion
    if active is None:
        return []
    marked = active.pages.filter(number=want.page).first()
    place = want.range_in(marked) if marked else None
    rows = active.pages.order_by("number").values_list("number", "label", "origin", "size")
    return [
        Sheet(
            number=number,
            label=label,
            origin=origin,
            size=(size[0], size[1]) if size and size[0] and size[1] else A4,
            mark=f"{place[0]}-{place[1]}" if place and number == want.page else "",
        )
        for number, label, origin, size in rows
    ]


def one_sheet(document: Document, want: Wanted) -> Sheet:
    """The wanted page. Raises `NotFoundError`."""
    active = document.active_ingestion
    page = active.pages.filter(number=want.page).first() if active else None
    if page is None:
        raise NotFoundError("page")
    return sheet(page, want)


def sheet(page: Page, want: Wanted) -> Sheet:
    """One page with its text."""
    return Sheet(
        number=page.number,
        label=page.label,
        origin=page.origin,
        blocks=blocks(page.text, headings=[Heading(*row) for row in page.headings], mark=want.range_in(page)),
    )
