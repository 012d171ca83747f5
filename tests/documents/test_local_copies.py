"""How long copies of files stay on the disk of the process that shows their pages."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from quire.documents.local_copies import Copies, Copy

LIMIT_S = 30


def copy() -> Copy:
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - it lives as long as the copy
    return Copy(file=file, size_bytes=100, used_at=time.monotonic())


def test_a_copy_that_is_no_longer_used_goes_although_nobody_asks_for_another() -> None:
    copies, made = Copies(most_bytes=1000, kept_s=0.2), [copy(), copy()]
    paths = [Path(each.file.name) for each in made]
    for number in range(2):
        copies.keep(f"key {number}", made.pop(0))
    until = time.monotonic() + LIMIT_S
    while any(path.exists() for path in paths):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_what_was_used_last_stays_where_there_is_no_room_for_all() -> None:
    copies = Copies(most_bytes=250, kept_s=1000)
    for key in ("a", "b"):
        copies.keep(key, copy())
    assert copies.find("a")
    copies.keep("c", copy())
    assert [key for key in ("a", "b", "c") if copies.find(key)] == ["a", "c"]


def test_a_copy_in_use_is_there_to_the_end_although_it_is_forgotten() -> None:
    copies, used = Copies(most_bytes=1000, kept_s=1000), copy()
    copies.keep("a", used)
    copies.forget(["a", "unknown"])
    assert copies.find("a") is None
    assert Path(used.file.name).exists()
