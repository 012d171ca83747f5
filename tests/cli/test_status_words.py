"""What `quire status` and `quire ingest` say of a document that is not done."""

from __future__ import annotations

from typing import Any

import pytest

from quire.cli.status import state_of


def document(**changes: Any) -> dict[str, Any]:
    progress = {"percent": 40, "eta_s": changes.pop("eta_s", None)}
    standing = {"status": "processing", "stage": "queued", "queue_position": None, "attempts": 0, "error": None}
    return {**standing, "pending": None, "progress": progress, **changes}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"queue_position": 3}, "queued, number 3 in line"),
        ({"queue_position": 3, "eta_s": 12.4}, "queued, number 3 in line, begins in about 12 s"),
        ({"queue_position": 300, "eta_s": 1234.5}, "queued, number 300 in line, begins in about 21 min"),
        ({"stage": "embedding", "eta_s": 5.0}, "embedding, 40 %"),
        ({"attempts": 1, "error": {"message": "The store is away."}}, "queued, 40 %, attempt 2: The store is away."),
    ],
)
def test_what_waits_says_its_place_and_how_long_and_what_is_worked_on_how_far_it_is(
    changes: dict[str, Any], sentence: str
) -> None:
    assert state_of(document(**changes)) == sentence
