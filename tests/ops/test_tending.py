"""Tending runs beside the dispatcher's other work, and never twice at once."""

from __future__ import annotations

import threading

from quire import registry
from quire.ops import tending
from quire.testing.vector_store import InMemoryVectorStore


class SlowStore(InMemoryVectorStore):
    """Tended until it is told to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end, self.turns = threading.Event(), threading.Event(), 0

    def tend(self) -> int:
        self.turns += 1
        self.begun.set()
        self.may_end.wait(10)
        return 1


def test_a_slow_store_is_tended_once_at_a_time_and_nobody_waits_for_it() -> None:
    store = SlowStore()
    with registry.using(vector_store=store):
        assert tending.tend() == 1
        assert store.begun.wait(10)
        assert tending.tend() == 0
        store.may_end.set()
        for thread in threading.enumerate():
            if thread.daemon and thread.name == "tend the stores":
                thread.join(10)
    assert store.turns == 1
