"""How long the gate waits for a body, on a clock that a test sets."""

from __future__ import annotations

import asyncio

import pytest

from quire.api.gate import Gate, Message, Receive, Scope, Send

MESSAGES = 100


class SetClock(asyncio.SelectorEventLoop):
    """A loop whose time passes only when it is told so."""

    now = 1000.0

    def time(self) -> float:
        return self.now


async def _read_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body, as Django does first of all, and answers."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def status_of(loop: SetClock, *, every_s: float) -> int:
    """What nobody in particular is answered, who sends a byte each time."""
    sent: list[Message] = []
    left = MESSAGES

    async def receive() -> Message:
        nonlocal left
        left -= 1
        loop.now += every_s
        for _ in range(3):  # what is due by now comes first
            await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x", "more_body": left > 0}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/search/", "headers": []}
    loop.run_until_complete(Gate(_read_all)(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(("every_s", "status"), [(0.5, 200), (0.7, 408), (59, 408), (61, 408)])
def test_a_body_that_is_no_upload_must_be_whole_within_a_minute(every_s: float, status: int) -> None:
    loop = SetClock()
    try:
        assert status_of(loop, every_s=every_s) == status
    finally:
        loop.close()
