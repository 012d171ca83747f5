"""The worker believes nothing that a child sends before it is checked."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quire.backends.sandbox import messages
from quire.core.errors import PermanentError, RateLimited, TransientError
from quire.core.types import Box, Heading, Margin, Origin, Page, Run, Word

PAGE = Page(
    number=3,
    text="A page of text 𝄞",
    origin=Origin.OCR,
    label="iii",
    headings=(Heading(0, 1, "A page"),),
    words=(Word(0, 1, Box(0.1, 0.2, 0.3, 0.4)),),
    runs=(Run(0, 5, 4), Run(6, 20, 3)),
    margins=(Margin(0, 6, 0.05, True), Margin(7, 9, 0.95, False)),
    warning="Blurred.",
)


def sent(message: dict[str, Any]) -> tuple[str, Any]:
    """As it comes out at the other end."""
    here, there = socket.socketpair()
    with here, there:
        messages.send(here, message)
        here.close()
        frame = there.makefile("rb").read()
    assert messages.HEADER.unpack(frame[: messages.HEADER.size])[0] == len(frame) - messages.HEADER.size
    return messages.parse(frame[messages.HEADER.size :])


def test_a_page_comes_out_as_it_went_in() -> None:
    kind, content = sent(messages.page_message(PAGE))
    assert kind == "page"
    assert messages.page_from(content, number=3) == PAGE


@pytest.mark.parametrize(
    "change",
    [
        {"number": 4},
        {"number": True},
        {"text": None},
        {"text": "NUL \0"},
        {"text": "\ud800"},
        {"origin": "magic"},
        {"label": "x" * 1000},
        {"headings": [[0, 1]]},
        {"headings": [[99, 1, "beyond"]]},
        {"headings": 5},
        {"words": [[3, 2, [0, 0, 1, 1]]]},
        {"words": [[0, 99, [0, 0, 1, 1]]]},
        {"words": [[0, 1, [0, 0, 1]]]},
        {"words": [[0, 1, [0, 0, 1, "1"]]]},
        {"runs": [[0, 0, 5], [4, 9, 1]]},
        {"runs": [[0, -1, 1]]},
        {"runs": [[0, 0, 99]]},
        {"runs": [["0", 0, 1]]},
        {"margins": [[5, 2, 0.5, True]]},
        {"margins": [[0, 99, 0.5, True]]},
        {"margins": [[0, 1, "0.5", True]]},
        {"margins": [[0, 1, 0.5, 1]]},
        {"margins": [[0, 1, 0.5]]},
        {"warning": "x" * 5000},
    ],
)
def test_a_page_that_lies_is_refused(change: dict[str, Any]) -> None:
    _, content = sent(messages.page_message(PAGE))
    with pytest.raises(messages.BadMessage):
        messages.page_from({**content, **change}, number=3)


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_at_all_gets_past_the_checks_or_breaks_them(content: object) -> None:
    for check in (messages.info_from, messages.error_from):
        with pytest.raises(messages.BadMessage):
            check(content)
    with pytest.raises(messages.BadMessage):
        messages.page_from(content, number=1)


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xff", b"[]", b"5", b'{"a": 1, "b": 2}', b'{"a": NaN}', b"[" * 100_000, b'{"a": ' + b"9" * 10_000 + b"}"],
)
def test_a_frame_that_is_no_message_is_refused(frame: bytes) -> None:
    with pytest.raises(messages.BadMessage):
        messages.parse(frame)


@pytest.mark.parametrize(
    "error",
    [
        PermanentError("This file is damaged.", code="corrupt_file"),
        TransientError("Not now.", code="ocr_timeout"),
        RateLimited("Wait.", retry_after_s=5),
    ],
)
def test_an_error_comes_out_as_it_went_in(error: PermanentError) -> None:
    kind, content = sent(messages.error_message(error))
    found = messages.error_from(content)
    assert kind == "error"
    assert (type(found), found.code, found.message) == (type(error), error.code, error.message)


@pytest.mark.parametrize("change", [{"kind": "bug"}, {"code": "<b>"}, {"code": 5}, {"message": "x" * 5000}])
def test_an_error_that_is_none_of_ours_is_refused(change: dict[str, Any]) -> None:
    _, content = sent(messages.error_message(PermanentError("No.", code="corrupt_file")))
    with pytest.raises(messages.BadMessage):
        messages.error_from(json.loads(json.dumps({**content, **change})))
