"""Pages of a list by cursor: the next page begins where the last one ended, however many rows came in between."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from pydantic import Field

from quire.documents.services import RefusedError

M = TypeVar("M", bound=Model)

PER_PAGE = 50
Limit = Annotated[int, Field(ge=1, le=200)]


def page(
    rows: QuerySet[M], *, cursor: str, limit: int = PER_PAGE, by: str = "created_at"
) -> tuple[list[M], str | None]:
    """The rows after `cursor`, newest first by the moment `by` and then `id`, and the cursor of the next page."""
    if cursor:
        at, last_id = _decode(cursor)
        rows = rows.filter(Q(**{f"{by}__lt": at}) | Q(**{by: at, "id__lt": last_id}))
    found = list(rows.order_by(f"-{by}", "-id")[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], _encode(found[limit - 1], by)


def _encode(row: Any, by: str) -> str:
    return base64.urlsafe_b64encode(f"{getattr(row, by).isoformat()} {row.id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return moment.astimezone(UTC), UUID(row_id)
    except (ValueError, OverflowError, binascii.Error):
        raise RefusedError(
            "cursor: Not one of ours. Take it from `next` of the page before.", code="invalid_request", status=422
        ) from None
