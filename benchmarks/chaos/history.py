"""The rules that the history of a run must keep: one claim at a time, one end, and waits as long as promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.chaos.backends import LIMIT_S

DELAYS_S = (2, 4, 8)
JITTER = 0.1
LIMITED = "rate_limited"
CLOCK_S = 0.5
"""How late the line of a `put_back` may be written after its delay began: on a busy machine a process rests between two
statements of one transaction."""
ROUNDING_S = 0.01
CLAIM_ENDS = {"put_back", "released", "taken_back"}
RUN_ENDS = {"completed", "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A line of the history."""

    kind: str
    at: float
    data: dict[str, Any]


Finding = tuple[str, str]
"""The rule that was broken, and by what."""


def broken_rules(run: Sequence[Happening]) -> Iterator[Finding]:
    """All that is wrong with the history of one run, which has ended or was superseded."""
    yield from _order(run)
    yield from _waits(run)


def moment(text: str) -> float:
    """A timestamp of the database, in seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _order(run: Sequence[Happening]) -> Iterator[Finding]:
    """Whoever writes holds the newest claim; nothing follows the end."""
    generation, is_held, is_over = 0, False, False
    for event in run:
        if is_over:
            yield "went on after its end", f"{event}"
        if event.kind == "claimed":
            if is_held or event.data["generation"] <= generation:
                yield "claimed twice", f"{event}"
            generation, is_held = event.data["generation"], True
        elif event.kind in CLAIM_ENDS | RUN_ENDS:
            by_worker = event.data.get("generation")  # the sweeper's have none
            if by_worker is not None and (not is_held or by_worker != generation):
                yield "a stale worker wrote", f"{event}"
            is_held, is_over = False, event.kind in RUN_ENDS


def _waits(run: Sequence[Happening]) -> Iterator[Finding]:
    """2, 4, 8 s and 10 % more at most, or as long as the provider said; never claimed sooner; then failed."""
    counted = 0
    for event, after in zip(run, [*run[1:], None], strict=True):
        if event.kind == "failed" and counted and event.data["attempts"] not in {counted, len(DELAYS_S) + 1}:
            yield "attempts miscounted", f"{counted} before {event}"
        if event.kind != "put_back":
            continue
        is_counted = event.data["code"] != LIMITED
        if counted >= len(DELAYS_S) and is_counted:
            yield "too many attempts", f"{event}"
            return
        if not _is_right(event.data["delay_s"], counted if is_counted else None):
            yield "wrong delay", f"attempt {counted + 1}: {event}"
        if after and after.kind == "claimed" and after.at - event.at < event.data["delay_s"] - CLOCK_S:
            yield "too soon", f"{event}, then {after}"
        counted += is_counted


def _is_right(delay_s: float, attempts: int | None) -> bool:
    """`attempts` that ended so before; None for a wait that a provider asked for."""
    if attempts is None:
        return delay_s == LIMIT_S
    least = DELAYS_S[attempts]
    return least - ROUNDING_S <= delay_s <= least * (1 + JITTER) + ROUNDING_S
