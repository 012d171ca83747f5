"""PDFs written by hand, for what no library would write."""

from __future__ import annotations

CMAP = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def
1 begincodespacerange <00> <FF> endcodespacerange {count} beginbfchar {pairs} endbfchar endcmap end end"""


def raw_pdf(
    *contents: str, page: str = "/MediaBox[0 0 400 300]", unicode: dict[str, str] | None = None, catalog: str = ""
) -> bytes:
    """One page a content stream, all alike; `/F` is Helvetica, whose letters stand for what `unicode` says."""
    to_unicode = "".join(
        f"<{ord(key):02X}> <{value.encode('utf-16-be').hex()}>" for key, value in (unicode or {}).items()
    )
    cmap = CMAP.format(count=len(unicode or {}), pairs=to_unicode)
    numbers = [5 + 2 * index for index in range(len(contents))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects = [
        f"<</Type/Catalog/Pages 2 0 R {catalog}>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(contents)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding"
        + ("/ToUnicode 4 0 R>>" if unicode else ">>"),
        f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream",
    ]
    for number, content in zip(numbers, contents, strict=True):
        objects += [
            f"<</Type/Page/Parent 2 0 R {page}/Contents {number + 1} 0 R/Resources<</Font<</F 3 0 R>>>>>>",
            f"<</Length {len(content)}>>stream\n{content}\nendstream",
        ]
    return _file(objects)


def line(text: str, *, x: float = 50, y: float = 200, size: float = 20) -> str:
    """The content that draws one line of `text`."""
    return f"BT /F {size} Tf {x} {y} Td ({text}) Tj ET\n"


def _file(objects: list[str]) -> bytes:
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    )
    return out + end.encode()
