"""A viewer that does what its file says, to see what becomes of it in the sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from quire.core.types import Box, Picture


class NaughtyViewer:
    """`number` 1 does what the file's text says; any other page is a small picture."""

    def draw(self, path: Path, *, number: int, width_px: int, marks: Sequence[Box] = ()) -> Picture:
        wish = path.read_text() if number == 1 else "jpeg"
        if wish == "loop":
            while True:
                time.sleep(0.01)
        if wish == "crash":
            os.abort()
        if wish == "hoard":
            bytearray(2**31)
        content = b"<script>alert(1)</script>" if wish == "script" else b"\xff\xd8\xff\xe0"
        return Picture(content=content, width_px=1, height_px=1)

    def locate(self, path: Path, *, number: int, passages: Sequence[Sequence[tuple[int, int]]]) -> list[list[Box]]:
        return []
