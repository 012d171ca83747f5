"""How long a refused client shall wait, as HTTP says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_COUNTED = ("requests", "tokens")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds by `retry-after-ms`, `Retry-After` (RFC 9110: seconds or a date), or OpenAI's `x-ratelimit-reset-…`.

    Of the last, those whose `remaining` is 0; when none is, the longest. None when nothing is said.
    """
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return ms / 1000
    if (said := headers.get("retry-after")) is not None:
        seconds = _number(said)
        return seconds if seconds is not None else _until(said)
    resets = {each: duration_s(headers.get(f"x-ratelimit-reset-{each}", "")) for each in _COUNTED}
    known = {each: wait_s for each, wait_s in resets.items() if wait_s is not None}
    spent = [wait_s for each, wait_s in known.items() if headers.get(f"x-ratelimit-remaining-{each}") == "0"]
    return max(spent or known.values(), default=None)


def duration_s(text: str) -> float | None:
    """Seconds of a duration as Go writes it, such as `1m30.5s` or `20ms`; of a bare number too."""
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return _number(text)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()) else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
