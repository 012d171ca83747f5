"""Has the stores do what keeps them quick as they grow, beside the dispatcher's other work."""

from __future__ import annotations

import logging
import threading

from django.db import connections

from quire import registry

log = logging.getLogger(__name__)

TEND_EVERY_S = 600
_NAME = "tend the stores"


def tend() -> int:
    """Start it unless it still runs. In a thread that nobody joins: it may take minutes, and a stop must not wait."""
    if any(thread.name == _NAME for thread in threading.enumerate()):
        return 0
    threading.Thread(target=_tend, name=_NAME, daemon=True).start()
    return 1


def _tend() -> None:
    try:
        if done := registry.tend_stores():
            log.info("indexes of the stores built or dropped: %d", done)
    except Exception:  # the next turn tries again, and searches are right without
        log.exception("tending the stores failed")
    finally:
        connections.close_all()
