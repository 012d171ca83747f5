"""A line of a PDF's page, as layout and margins look at it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of raw text: `text[start:end]`. Sizes and places in points of the page's own space."""

    start: int
    end: int
    size: float
    x: float
    baseline: float
    end_x: float
    end_baseline: float
    """Of the last character; not the same when PDFium rejoined a hyphenated word over several lines of the page."""
    is_bold: bool
    is_upright: bool
