"""What judges the crash loop sees what it is there to see: histories that keep every rule, and one that breaks each."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.chaos.backends import LIMIT_S
from benchmarks.chaos.history import Happening, broken_rules
from benchmarks.chaos.papers import source_of


def claimed(at: float, generation: int) -> Happening:
    return happening("claimed", at, generation=generation, owner="here:1")


def put_back(at: float, generation: int, delay_s: float, code: str = "provider_down") -> Happening:
    return happening("put_back", at, generation=generation, delay_s=delay_s, code=code)


def happening(kind: str, at: float, **data: Any) -> Happening:
    return Happening(kind=kind, at=at, data=data)


def completed(at: float, generation: int) -> Happening:
    return happening("completed", at, generation=generation)


QUEUED = happening("queued", 0, reason="upload")
GIVEN_UP = [
    QUEUED,
    claimed(1, 1),
    put_back(2, 1, 2.1),
    claimed(5, 2),
    put_back(6, 2, 4.0),
    claimed(11, 3),
    put_back(12, 3, 8.5),
    claimed(21, 4),
    happening("failed", 22, code="provider_down", attempts=4),
]
SOUND = {
    "straight": [QUEUED, claimed(1, 1), completed(2, 1)],
    "after a crash": [QUEUED, claimed(1, 1), happening("taken_back", 6, owner=""), claimed(7, 3), completed(8, 3)],
    "handed back": [QUEUED, claimed(1, 1), happening("released", 2, generation=1), claimed(3, 2), completed(4, 2)],
    "as a provider says": [QUEUED, claimed(1, 1), put_back(2, 1, LIMIT_S, "rate_limited"), claimed(4, 2)],
    "given up": GIVEN_UP,
}
UNSOUND = {
    "claimed twice": [QUEUED, claimed(1, 1), claimed(2, 2)],
    "a stale worker wrote": [QUEUED, claimed(1, 1), happening("taken_back", 6), claimed(7, 3), completed(8, 1)],
    "went on after its end": [QUEUED, claimed(1, 1), completed(2, 1), claimed(3, 2)],
    "wrong delay": [QUEUED, claimed(1, 1), put_back(2, 1, 4.0)],
    "too soon": [QUEUED, claimed(1, 1), put_back(2, 1, 2.0), claimed(3, 2)],
    "too many attempts": [*GIVEN_UP[:-1], put_back(22, 4, 16.0)],
    "attempts miscounted": [*GIVEN_UP[:4], happening("failed", 6, code="corrupt_file", attempts=2)],
}


@pytest.mark.parametrize("name", SOUND)
def test_a_history_that_keeps_the_rules_is_left_alone(name: str) -> None:
    assert list(broken_rules(SOUND[name])) == []


@pytest.mark.parametrize("rule", UNSOUND)
def test_a_history_that_breaks_a_rule_is_found_out(rule: str) -> None:
    assert rule in [broken for broken, _ in broken_rules(UNSOUND[rule])]


def test_a_chunk_tells_which_file_it_is_from_unless_it_is_of_two() -> None:
    assert source_of("p12v2x3 amber. p12v2x4 flint.") == (12, 2)
    assert source_of("p12v2x3 amber. p12v1x3 flint.") is None
    assert source_of("amber") is None
