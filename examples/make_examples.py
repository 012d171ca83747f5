"""Write `spice.pdf` and `computers.pdf`, the same bytes each time: `python -m examples.make_examples [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from examples import computers, spice
from examples.layout import Publication


def write_all(folder: Path) -> list[Path]:
    """Both PDFs, written into `folder`; those that stand there are replaced."""
    written = []
    for name, publication in (("spice.pdf", spice), ("computers.pdf", computers)):
        written.append(folder / name)
        Publication(written[-1], publication.LOOK).multiBuild(publication.story())
    return written


if __name__ == "__main__":
    for path in write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent):
        print(f"{path} ({path.stat().st_size // 1000} kB)")
