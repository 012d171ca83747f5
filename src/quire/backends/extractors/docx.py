"""DOCX: a walk over its XML that drops nothing a reader sees.

Kept: headings, lists with their markers, tables as rows (`a | b`), footnotes and endnotes after the paragraph that
refers to them, text boxes after the paragraph they are anchored in, headers first and footers last (each once),
insertions, links, content controls. Left out: deletions, comments, hidden text, field codes.

A DOCX has no pages until it is laid out. Where Word saved its own page breaks these are the pages; else they are cut as
in `paging`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lxml import etree

from quire.backends.extractors.docx_package import TOO_DEEP, DocxPackage, open_package
from quire.backends.extractors.docx_styles import Numbering, Styles, attribute, child, local
from quire.backends.extractors.paging import PAGE_CHARS, RENDERED_PAGE_CHARS, Block, MarkupExtraction, paged
from quire.backends.extractors.titles import stated_title
from quire.core.errors import PermanentError
from quire.core.media_types import DOCX

_DROPPED = frozenset(
    {"del", "moveFrom", "delText", "instrText", "delInstrText", "rPr", "pPr", "Fallback", "rt", "annotationRef"}
)
_PLAIN = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-", "lastRenderedPageBreak": "\f"}
_BREAKS = {"page": "\f"}
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SEPARATOR_NOTES = frozenset({"separator", "continuationSeparator", "continuationNotice"})
_OFF = frozenset({"0", "false", "off"})


class DocxExtractor:
    """Follows `Extractor`."""

    media_types = frozenset({DOCX})

    @contextmanager
    def open(self, path: Path, *, media_type: str = DOCX) -> Iterator[MarkupExtraction]:
        with open_package(path) as package:
            try:
                yield _extract(package)
            except RecursionError as error:
                raise PermanentError(TOO_DEEP, code="corrupt_file") from error


def _extract(package: DocxPackage) -> MarkupExtraction:
    main = package.xml(package.main)
    if main is None or local(main) != "document":
        raise PermanentError("This file is a zip archive, but no Word document.", code="corrupt_file")
    is_rendered = next(main.iter("{*}lastRenderedPageBreak"), None) is not None
    return paged(
        _Walk(package).document(main),
        title=_title(package),
        page_chars=RENDERED_PAGE_CHARS if is_rendered else PAGE_CHARS,
    )


def _title(package: DocxPackage) -> str:
    parts = [part for kind, part in package.related("") if kind == "core-properties"]
    root = package.xml(parts[0]) if parts else None
    title = child(root, "title")
    return stated_title(title.text or "") if title is not None else ""


class _Walk:
    """One pass over one document; `_pending` are the blocks that follow the paragraph being read."""

    def __init__(self, package: DocxPackage) -> None:
        self._package = package
        self._related = package.related(package.main)
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"))
        self._notes = {kind: self._read_notes(kind) for kind in ("footnote", "endnote")}
        self._note_count = 0
        self._pending: list[Block] = []

    def document(self, main: etree._Element) -> Iterator[Block]:
        yield from self._margins("header")
        yield from self._blocks(main)
        yield from self._margins("footer")

    def _part(self, kind: str) -> etree._Element | None:
        return next((self._package.xml(part) for found, part in self._related if found == kind), None)

    def _read_notes(self, kind: str) -> dict[str, etree._Element]:
        root = self._part(f"{kind}s")
        notes = (note for note in (root if root is not None else ()) if local(note) == kind)
        return {attribute(note, "id"): note for note in notes if attribute(note, "type") not in _SEPARATOR_NOTES}

    def _margins(self, kind: str) -> Iterator[Block]:
        """Headers or footers, each text once; those of a page number only are left out."""
        seen = set()
        for part in sorted({part for found, part in self._related if found == kind}):
            root = self._package.xml(part)
            for block in self._blocks(root) if root is not None else ():
                words = block.text.strip()
                if words not in seen and any(character.isalpha() for character in words):
                    seen.add(words)
                    yield Block(text=words.replace("\f", " "))

    def _blocks(self, parent: etree._Element) -> Iterator[Block]:
        for element in parent:
            match local(element):
                case "p":
                    yield from self._paragraph(element)
                case "tbl":
                    yield from self._table(element)
                case name if name not in _DROPPED:
                    yield from self._blocks(element)

    def _paragraph(self, element: etree._Element) -> Iterator[Block]:
        style = self._styles.of(element)
        text = self._inline(element)
        if _is_on(child(element, "pPr", "pageBreakBefore")):
            text = "\f" + text
        marker = self._numbering.marker(*style.numbering) if style.numbering and text.strip() else ""
        if marker:
            breaks = len(text) - len(text.lstrip("\f"))
            text = f"{text[:breaks]}{marker} {text[breaks:].lstrip()}"
        yield Block(text=text, level=style.level, is_tight=bool(marker) and not style.level)
        yield from self._taken_pending()
        if (
            child(element, "pPr", "sectPr") is not None
            and attribute(child(element, "pPr", "sectPr", "type")) != "continuous"
        ):
            yield Block(text="\f")

    def _taken_pending(self) -> list[Block]:
        taken, self._pending = self._pending, []
        return taken

    def _inline(self, element: etree._Element) -> str:
        return "".join(self._inline_pieces(element))

    def _inline_pieces(self, parent: etree._Element) -> Iterator[str]:
        for element in parent:
            name = local(element)
            if name in _DROPPED or (name == "r" and _is_on(child(element, "rPr", "vanish"))):
                continue
            if name == "t":
                yield element.text or ""
            elif name in _PLAIN:
                yield _PLAIN[name] if name != "tab" or local(parent) == "r" else ""
            elif name == "br":
                yield _BREAKS.get(attribute(element, "type"), "\n")
            elif name in {"footnoteReference", "endnoteReference"}:
                yield self._note(name.removesuffix("Reference"), attribute(element, "id"))
            elif name == "txbxContent":
                self._pending += self._aside(element)
            else:
                yield from self._inline_pieces(element)

    def _note(self, kind: str, note_id: str) -> str:
        """The mark in the text; the note itself follows the paragraph."""
        note = self._notes[kind].pop(note_id, None)
        if note is None:
            return ""
        self._note_count += 1
        mark = str(self._note_count).translate(_SUPERSCRIPT)
        words = " ".join(block.text.strip() for block in self._aside(note))
        self._pending.append(Block(text=f"{mark} {words}", is_tight=True))
        return mark

    def _aside(self, element: etree._Element) -> list[Block]:
        """Blocks of something inside a paragraph, which has pending blocks of its own."""
        outer, self._pending = self._pending, []
        blocks = list(self._blocks(element))
        self._pending = outer
        return blocks

    def _table(self, table: etree._Element) -> Iterator[Block]:
        """A row a line; a table of one column is a frame around ordinary text."""
        rows = [list(_cells(row)) for row in _unwrapped(table, "tr") if child(row, "trPr", "del") is None]
        is_frame = all(len(cells) <= 1 for cells in rows)
        for cells in rows:
            if is_frame:
                for cell in cells:
                    yield from self._blocks(cell)
                continue
            texts, nested = zip(*map(self._cell, cells), strict=True) if cells else ((), ())
            if any(texts):
                yield Block(text=" | ".join(texts), is_tight=True)
            for blocks in nested:
                yield from blocks

    def _cell(self, cell: etree._Element) -> tuple[str, list[Block]]:
        """Its own text on one line, and the rows of the tables in it."""
        if _is_merged_away(cell):
            return "", []
        words: list[str] = []
        nested: list[Block] = []
        for element in _unwrapped(cell, "p", "tbl"):
            if local(element) == "tbl":
                nested += self._table(element)
            else:
                first, *rest = self._paragraph(element)
                words += first.text.split()
                nested += rest
        return " ".join(words), nested


def _unwrapped(parent: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Descendants of these names, through content controls and insertions, but not into one another."""
    for element in parent:
        name = local(element)
        if name in names:
            yield element
        elif name not in _DROPPED:
            yield from _unwrapped(element, *names)


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    return _unwrapped(row, "tc")


def _is_merged_away(cell: etree._Element) -> bool:
    """Covered by the cell above it, or to its left."""
    for name in ("vMerge", "hMerge"):
        merge = child(cell, "tcPr", name)
        if merge is not None and attribute(merge) in {"", "continue"}:
            return True
    return False


def _is_on(switch: etree._Element | None) -> bool:
    return switch is not None and attribute(switch) not in _OFF
