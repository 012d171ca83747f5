"""Boxes passages of real PDFs as citations are, and lets a program that knows nothing of them read what is inside.

From pages and places chosen at random come passages of 4 to 14 words; Tesseract reads each of their boxes in the page's
picture, and what it read is compared with the passage. Passages that its English data cannot read are left out.

python -m benchmarks.citation_boxes FOLDER [--pages 4] [--passages 3] [--seed 3] [--show 20]
"""

from __future__ import annotations

import argparse
import io
import random
import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import tesserocr
from PIL import Image

from quire.backends.extractors.pdf import PdfExtractor
from quire.backends.ocr.tesseract import find_tessdata
from quire.backends.viewers.pdf import PdfViewer
from quire.core.errors import PermanentError
from quire.core.types import Box, Page, sources

WIDTH_PX, PAD_PX, MARGIN_PX = 2_000, 3, 16
FIRST_PAGES = 40
READABLE = re.compile(r"[\x00-\u024f\u1e00-\u1eff\u2000-\u22ff\ufb00-\ufb06]*")
ALIKE = (0.9, 0.8, 0.5)


class Reading(NamedTuple):
    """What was in the boxes of a passage; `likeness` is 1 where letters and digits are the same, in the same order."""

    likeness: float
    file: str
    page: int
    passage: str
    read: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=4, help="of each file")
    parser.add_argument("--passages", type=int, default=3, help="of each page")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--show", type=int, default=20, help="how many of the least alike are printed")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    readings: list[Reading] = []
    with tesserocr.PyTessBaseAPI(path=str(find_tessdata()), lang="eng", psm=tesserocr.PSM.SINGLE_LINE) as reader:
        for path in sorted(options.folder.rglob("*.pdf")):
            pages = pages_of(path)
            for page in chance.sample(pages, min(options.pages, len(pages))):
                readings += read_boxes(path, page, passages(page.text, options.passages, chance), reader)
    print("\n".join(report(readings, options.show)))


def pages_of(path: Path) -> list[Page]:
    """Of the first ones those with a text layer."""
    try:
        with PdfExtractor(ocr=None).open(path) as extraction:
            return [page for page in islice(extraction.pages(), FIRST_PAGES) if page.runs]
    except PermanentError:
        return []


def passages(text: str, count: int, chance: random.Random) -> Iterator[tuple[int, int]]:
    words = [found.span() for found in re.finditer(r"\S+", text)]
    for _ in range(count):
        length = chance.randint(4, 14)
        if len(words) > length:
            first = chance.randrange(len(words) - length)
            start, end = words[first][0], words[first + length - 1][1]
            if READABLE.fullmatch(text[start:end]):
                yield start, end


def read_boxes(
    path: Path, page: Page, places: Iterator[tuple[int, int]], reader: tesserocr.PyTessBaseAPI
) -> Iterator[Reading]:
    viewer = PdfViewer()
    drawn = Image.open(io.BytesIO(viewer.draw(path, number=page.number, width_px=WIDTH_PX).content)).convert("L")
    spans = list(places)
    located = viewer.locate(
        path, number=page.number, passages=[list(sources(page.runs, start, end)) for start, end in spans]
    )
    for (start, end), boxes in zip(spans, located, strict=True):
        passage, read = page.text[start:end], " ".join(seen_in(drawn, boxes, reader))
        likeness = SequenceMatcher(None, bare(passage), bare(read), autojunk=False).ratio()
        yield Reading(likeness, path.name, page.number, passage, read)


def seen_in(drawn: Image.Image, boxes: Sequence[Box], reader: tesserocr.PyTessBaseAPI) -> Iterator[str]:
    width, height = drawn.size
    for box in boxes:
        left, right = int(box.left * width) - PAD_PX, int(box.right * width) + PAD_PX
        top, bottom = int(box.top * height) - PAD_PX, int(box.bottom * height) + PAD_PX
        part = drawn.crop((left, top, right, bottom))
        framed = Image.new("L", (part.width + 2 * MARGIN_PX, part.height + 2 * MARGIN_PX), 255)
        framed.paste(part, (MARGIN_PX, MARGIN_PX))
        reader.SetImage(framed)
        yield reader.GetUTF8Text().strip()


def bare(text: str) -> str:
    """Letters and digits, as far as Tesseract's English tells them apart."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in apart if character.isalnum())


def report(readings: Sequence[Reading], show: int) -> Iterator[str]:
    files = {reading.file for reading in readings}
    yield f"{len(readings)} passages of {len(files)} files"
    for limit in ALIKE:
        share = sum(reading.likeness >= limit for reading in readings) / max(len(readings), 1)
        yield f"read as they are, to {limit:.0%}: {share:.1%}"
    for reading in sorted(readings)[:show]:
        yield f"{reading.likeness:.2f} {reading.file} page {reading.page}: {reading.passage!r} read as {reading.read!r}"


if __name__ == "__main__":
    main()
