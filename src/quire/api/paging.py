"""Pages of a list by cursor: the next page begins where the last one ended, however many rows came in between."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from pydantic import Field

from quire.documents import listing
from quire.documents.listing import Sort
from quire.documents.models import Document
from quire.documents.services import RefusedError

M = TypeVar("M", bound=Model)

PER_PAGE = 50
Limit = Annotated[int, Field(ge=1, le=200)]
MAX_INTEGER = 2**63 - 1
"""The largest that a database compares with."""


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)


def _words(text: str) -> str:
    if "\0" in text:
        raise ValueError("no database compares with NUL")
    return text


def _count(text: str) -> int:
    if not 0 <= (number := int(text)) <= MAX_INTEGER:
        raise ValueError("no database holds such a number")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By what rows are ordered before their ids, and how a cursor's text is read back as such a value."""

    by: str
    read: Callable[[str], Any] = _moment
    is_falling: bool = True


NEWEST = Order(by="created_at")
_ORDERS = {
    Sort.NEWEST: NEWEST,
    Sort.NAME: Order(by="name_key", read=_words, is_falling=False),
    Sort.SIZE: Order(by="file_bytes", read=_count),
}


def documents_page(
    documents: QuerySet[Document], *, sort: Sort, cursor: str, limit: int = PER_PAGE
) -> tuple[list[Document], str | None]:
    """A page of documents in one of the orders that people choose from."""
    return page(listing.with_keys(documents), cursor=cursor, limit=limit, order=_ORDERS[sort])


def page(rows: QuerySet[M], *, cursor: str, limit: int = PER_PAGE, order: Order = NEWEST) -> tuple[list[M], str | None]:
    """The rows after `cursor` in this order, and the next page's cursor, which is good in the same order only."""
    side, minus = ("lt", "-") if order.is_falling else ("gt", "")
    if cursor:
        value, last_id = _decode(cursor, order)
        rows = rows.filter(Q(**{f"{order.by}__{side}": value}) | Q(**{order.by: value, f"id__{side}": last_id}))
    found = list(rows.order_by(f"{minus}{order.by}", f"{minus}id")[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], _encode(found[limit - 1], order)


def _encode(row: Any, order: Order) -> str:
    value = getattr(row, order.by)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return base64.urlsafe_b64encode(f"{text} {row.id}".encode()).decode().rstrip("=")


def _decode(cursor: str, order: Order) -> tuple[Any, UUID]:
    try:
        text, _, row_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().rpartition(" ")
        return order.read(text), UUID(row_id)
    except (ValueError, OverflowError, binascii.Error):
        raise RefusedError(
            "cursor: Not one of ours. Take it from `next` of the page before.", code="invalid_request", status=422
        ) from None
