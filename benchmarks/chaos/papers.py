"""Documents of which all that they will become is known beforehand: their end, and every chunk, byte for byte.

Each sentence names its document, version and page (`p12v1x3`), so that a hit tells where it comes from.
"""

from __future__ import annotations

import random
import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from benchmarks.chaos.backends import DEED, FAULT_CODE

from quire.backends.chunkers.sentences import SentenceChunker
from quire.backends.extractors.by_type import ExtractorByType
from quire.core.media_types import sniff
from quire.core.types import Origin, Page
from quire.testing import files
from quire.testing.embedder import WordTokenizer

WORDS = re.findall(
    r"\w+",
    """amber barley cedar delta ember fennel garnet harbour indigo juniper kelp lantern maple nutmeg ochre pepper quartz
    river saffron timber umber velvet walnut yarrow zephyr anchor beacon copper dune estuary flint granite""",
)
MARK = re.compile(r"\bp(\d+)v(\d+)x(\d+)\b")
CHUNK_TOKENS, OVERLAP_TOKENS = 200, 30
"""The defaults of the settings."""
SENTENCES = (6, 11)
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Paper:
    """One file: version `version` of document number `number`."""

    number: int
    version: int
    name: str
    content: bytes = field(repr=False)
    fails_with: frozenset[str] = frozenset()
    """The codes that it must fail with; empty for a file that must complete."""
    trait: str = "plain"

    @cached_property
    def chunks(self) -> tuple[str, ...]:
        """The text of each chunk, in order, made here by the same extractors and chunker."""
        with _one_at_a_time, tempfile.TemporaryDirectory() as folder:  # PDFium bears one thread
            path = Path(folder) / self.name
            path.write_bytes(self.content)
            with ExtractorByType(ocr=None).open(path, media_type=sniff(path, name=self.name)) as extraction:
                pages = [_without_deeds(page) for page in extraction.pages()]
        chunker = SentenceChunker(tokenizer=WordTokenizer(), target_tokens=CHUNK_TOKENS, overlap_tokens=OVERLAP_TOKENS)
        return tuple(chunk.text for chunk in chunker.chunk(iter(pages)))


def source_of(text: str) -> tuple[int, int] | None:
    """Number and version of the document that a chunk's text names; None when it names none, or two."""
    named = {(int(number), int(version)) for number, version, _ in MARK.findall(text)}
    return named.pop() if len(named) == 1 else None


def query_of(number: int, version: int, page: int = 1) -> str:
    return f"p{number}v{version}x{page} {WORDS[number % len(WORDS)]}"


def write(number: int, version: int, rng: random.Random, *, trait: str = "plain", pages: int = 0) -> Paper:
    """A file that is made from the seed of `rng` alone."""
    kind = "pdf" if trait in _DEEDS else rng.choice(["pdf", "pdf", "docx", "docx", "txt", "md"])
    texts = [_page(number, version, page, rng) for page in range(1, (pages or _length(rng)) + 1)]
    name = f"{WORDS[number % len(WORDS)]}-{number}-{version}.{kind}"
    plain = Paper(number=number, version=version, name=name, content=b"", trait=trait)
    if trait == "broken":
        return replace(plain, name=f"{name}.pdf", content=_broken(rng), fails_with=frozenset({"corrupt_file"}))
    if trait in _FAULTS:
        texts[0] = f"FAULT {trait} p{number}v{version} {rng.randint(1, 2)}.\n\n{texts[0]}"
    if trait in _DEEDS:
        bad = range(len(texts)) if trait != "one_bad_page" else [rng.randrange(len(texts))]
        texts = texts[:5]
        for page in bad:
            texts[page % len(texts)] = f"DEED {_DEEDS[trait]}. {texts[page % len(texts)]}"
    return replace(plain, content=_BOUND[kind](texts), fails_with=_FAILS.get(trait, frozenset()))


def _length(rng: random.Random) -> int:
    """In pages: most are short, some need several batches of everything."""
    return rng.randint(60, 120) if rng.random() < 0.15 else rng.randint(1, 24)


def _page(number: int, version: int, page: int, rng: random.Random) -> str:
    mark = f"p{number}v{version}x{page}"
    sentences = (
        f"{mark} {' '.join(rng.choices(WORDS, k=rng.randint(6, 14)))}." for _ in range(rng.randint(*SENTENCES))
    )
    return "\n".join(sentences)


def _without_deeds(page: Page) -> Page:
    """A page that ends its parser is left out."""
    return Page(number=page.number, text="", origin=Origin.TEXT_LAYER) if DEED.search(page.text) else page


def _broken(rng: random.Random) -> bytes:
    return files.make_broken_pdf() + rng.randbytes(8).hex().encode()


_DEEDS = {"loops": "loop", "hoards": "hoard", "crashes": "segfault", "one_bad_page": "segfault"}
_FAULTS = {"flaky", "limited", "hopeless"}
_FAILS = {
    "hopeless": frozenset({FAULT_CODE}),
    # `no_text`: bad pages are counted anew by each attempt, so an attempt that was cut off may leave all of them out.
    "loops": frozenset({"parser_timeout", "no_text"}),
    "hoards": frozenset({"parser_memory", "no_text"}),
    "crashes": frozenset({"parser_crash", "no_text"}),
}
_BOUND: dict[str, Callable[[list[str]], bytes]] = {
    "pdf": files.make_pdf,
    "docx": lambda texts: files.make_docx("\n\f\n".join(texts).split("\n")),
    "txt": lambda texts: "\f".join(texts).encode(),
    "md": lambda texts: "\n\n".join(texts).encode(),
}
