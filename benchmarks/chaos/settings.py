"""Quire's settings, with backends as slow and as faulty as a test asks for; everything else is the real thing."""

from __future__ import annotations

import os

from quire.settings import *  # noqa: F403 - Django reads the names of this module
from quire.settings import DATA_DIR, QUIRE_BACKENDS

QUIRE_BACKENDS["embedder"] = (
    "benchmarks.chaos.backends.FaultyEmbedder",
    {"batch_s": float(os.environ.get("CHAOS_BATCH_S", "0")), "folder": str(DATA_DIR / "faults")},
)
QUIRE_BACKENDS["extractor"] = (
    "benchmarks.chaos.backends.NaughtyExtractor",
    {"page_s": float(os.environ.get("CHAOS_PAGE_S", "0"))},
)
