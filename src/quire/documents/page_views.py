"""Pages to look at: their pictures, and where their words stand on them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from uuid import UUID

from quire import registry
from quire.core import types
from quire.core.errors import PermanentError, QuireError, TransientError
from quire.core.lines import line_boxes
from quire.core.ports import WarmsUp
from quire.core.quotes import occurrences
from quire.core.types import Box, Picture
from quire.documents import services
from quire.documents.local_copies import local_copy
from quire.documents.models import Ingestion, Page
from quire.documents.services import NotFoundError, RefusedError
from quire.documents.workspace import page_of
from quire.tenants.models import Tenant

log = logging.getLogger(__name__)

MAX_WIDTH_PX = 2_400
MOST_MARKED = 50
_WORD = re.compile(r"\S+")
NO_PICTURE = "Pages of this kind of file have no pictures: only those of a PDF do. Its text is at the page itself."


def page(*, tenant: Tenant, document_id: UUID, number: int) -> tuple[Ingestion, types.Page]:
    """A page of what answers now, and the run that read it. Raises `NotFoundError`."""
    document = services.get(tenant=tenant, document_id=document_id)
    row = Page.objects.filter(ingestion=document.active_ingestion_id, number=number).select_related("ingestion").first()
    if row is None:
        raise NotFoundError("page")
    return row.ingestion, page_of(row)


def warm_up() -> None:
    """Start what the first page to be looked at would wait for."""
    viewer = registry.viewer()
    if isinstance(viewer, WarmsUp):
        with suppress(TransientError):  # said in the log; whoever asks for a page tries again
            viewer.warm_up()


def draw(ingestion: Ingestion, page: types.Page, *, width_px: int, marked: str = "") -> Picture:
    """The page with each place marked where it says `marked`.

    Raises `RefusedError` (`no_picture`, `page_not_drawn`) and `TransientError`.
    """
    viewer = registry.viewer()
    if ingestion.media_type not in viewer.media_types:
        raise RefusedError(NO_PICTURE, code="no_picture", status=404)
    places = occurrences(page.text, marked)[:MOST_MARKED]
    marks = list(chain.from_iterable(boxes(ingestion, page, places)))
    try:
        with local_copy(ingestion) as path:
            return viewer.draw(path, number=page.number, width_px=min(width_px, MAX_WIDTH_PX), marks=marks)
    except PermanentError as error:
        raise RefusedError(error.message, code="page_not_drawn", status=422) from error
    except OSError as error:
        raise TransientError(
            "The file cannot be read at present. Try again soon.", code="storage_unavailable"
        ) from error


def words(ingestion: Ingestion, page: types.Page) -> list[types.Word]:
    """Each word and its box, two where a line breaks it; none where the file has no pages to look at."""
    if page.words or ingestion.media_type not in registry.viewer().media_types:
        return list(page.words)
    spans = [match.span() for match in _WORD.finditer(page.text)]
    located = _locate(ingestion, page, spans)
    return [types.Word(start, end, box) for (start, end), boxes in zip(spans, located, strict=True) for box in boxes]


def boxes(ingestion: Ingestion, page: types.Page, places: Sequence[tuple[int, int]]) -> list[list[Box]]:
    """Where each `text[start:end]` stands, one box a line: to the character on a text layer, by words after OCR."""
    if page.words:
        return [_lines_of_words(page, start, end) for start, end in places]
    if ingestion.media_type not in registry.viewer().media_types:
        return [[] for _ in places]
    return _locate(ingestion, page, places)


def _lines_of_words(page: types.Page, start: int, end: int) -> list[Box]:
    width, height = page.size
    words = (word.box for word in page.words if word.start < end and word.end > start)
    return line_boxes(words, ratio=width / height if width and height else 1.0)


def _locate(ingestion: Ingestion, page: types.Page, spans: Sequence[tuple[int, int]]) -> list[list[Box]]:
    if not page.runs:
        return [[] for _ in spans]
    passages = [list(types.sources(page.runs, start, end)) for start, end in spans]
    try:
        with local_copy(ingestion) as path:
            return registry.viewer().locate(path, number=page.number, passages=passages)
    except (QuireError, OSError) as error:
        # The words themselves are at hand: a text without boxes is better than none.
        log.warning("page %d of document %s has no boxes: %s", page.number, ingestion.document_id, error)
        return [[] for _ in spans]
