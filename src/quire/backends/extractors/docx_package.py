"""The zip around a DOCX: checked before and while it is unpacked; its XML read without entities or network."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lxml import etree

from quire.core.errors import PermanentError

MAX_PARTS = 10_000
MAX_TOTAL_BYTES = 2 * 1024**3
MAX_XML_BYTES = 64 * 1024**2
"""Of one part, unpacked: some 3,000 pages of text."""
MAX_RATIO = 200
"""Unpacked over packed. Word's XML stays under 50."""
_PROLOG_BYTES = 65_536
_RATIO_COUNTS_FROM_BYTES = 8 * 1024**2

_BROKEN = (
    "This Word document is damaged or incomplete and cannot be read. Save it again in Word and upload the new file."
)
TOO_DEEP = "This Word document is nested too deeply to be read."
_ENTITIES = "This Word document holds XML entities, which Word never writes, so it was not opened."
_BOMB = "This Word document would unpack to far more data than a document holds, so it was not opened."

Related = list[tuple[str, str]]
"""`(kind, part)`, kind being the last word of the relationship's type: `footnotes`, `header`."""


class DocxPackage:
    """Parts of an opened DOCX by name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {info.filename.lstrip("/"): info for info in archive.infolist()}
        _refuse_bomb(archive.infolist())
        self.main = next((part for kind, part in self.related("") if kind == "officeDocument"), "word/document.xml")
        if self.main not in self._members:
            raise PermanentError(_BROKEN, code="corrupt_file")

    def xml(self, part: str) -> etree._Element | None:
        """The root of a part; None when there is no such part. Raises `PermanentError` (`corrupt_file`, `zip_bomb`)."""
        info = self._members.get(part)
        if info is None:
            return None
        content = self._read(info)
        if b"<!DOCTYPE" in content[:_PROLOG_BYTES].replace(b"\x00", b""):
            raise PermanentError(_ENTITIES, code="corrupt_file")
        try:
            root = etree.fromstring(content, _parser())
        except (etree.XMLSyntaxError, ValueError) as error:
            sentence = TOO_DEEP if "depth" in str(error) else _BROKEN
            raise PermanentError(sentence, code="corrupt_file") from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise PermanentError(_ENTITIES, code="corrupt_file")
        return root

    def related(self, part: str) -> Related:
        """What `part` (`""` for the package) refers to inside the file; never what is outside."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        return [
            (relation.get("Type", "").rsplit("/", 1)[-1], posixpath.normpath(posixpath.join("/", folder, target))[1:])
            for relation in (root if root is not None else ())
            if (target := relation.get("Target")) and relation.get("TargetMode") != "External"
        ]

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._archive.open(info) as member:
                content = member.read(MAX_XML_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise PermanentError(_BROKEN, code="corrupt_file") from error
        if len(content) > MAX_XML_BYTES or _is_bomb(len(content), info.compress_size):
            raise PermanentError(_BOMB, code="zip_bomb")
        return content


@contextmanager
def open_package(path: Path) -> Iterator[DocxPackage]:
    """Raises `PermanentError` (`corrupt_file`, `zip_bomb`)."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise PermanentError(_BROKEN, code="corrupt_file") from error
    with archive:
        yield DocxPackage(archive)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )


def _refuse_bomb(members: list[zipfile.ZipInfo]) -> None:
    xml = [info for info in members if info.filename.lower().endswith((".xml", ".rels"))]
    if (
        len(members) > MAX_PARTS
        or sum(info.file_size for info in members) > MAX_TOTAL_BYTES
        or any(_is_bomb(info.file_size, info.compress_size) for info in xml)
    ):
        raise PermanentError(_BOMB, code="zip_bomb")


def _is_bomb(size: int, packed: int) -> bool:
    return size > _RATIO_COUNTS_FROM_BYTES and size > MAX_RATIO * max(packed, 1)
