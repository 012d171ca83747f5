"""Server-sent events, as bytes and as an answer (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from django.http import StreamingHttpResponse

KEEP_ALIVE = b": keep-alive\n\n"


def event(name: str, data: str, *, event_id: str = "") -> bytes:
    """One event; `data` is JSON on one line."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {data}\n\n".encode()


def response(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """An answer that no proxy should keep or hold back."""
    return StreamingHttpResponse(
        events,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
