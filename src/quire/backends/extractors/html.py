"""HTML: what a reader of the page would read; no scripts, styles, forms or navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lxml import etree
from lxml import html as lxml_html

from quire.backends.extractors.paging import Block, MarkupExtraction, paged
from quire.backends.extractors.text_file import decode, read_bytes
from quire.backends.extractors.titles import stated_title
from quire.core.errors import PermanentError
from quire.core.media_types import HTML

_DROPPED = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "svg",
        "iframe",
        "object",
        "embed",
        "canvas",
        "audio",
        "video",
        "select",
        "button",
        "input",
        "textarea",
        "head",
        "title",
        "dialog",
    }
)
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "html",
        "main",
        "menu",
        "ol",
        "p",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    }
)
_SPACES = re.compile(r"\s+")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_STATED_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([\w-]+)", re.IGNORECASE)
_TOO_DEEP = "This HTML page is nested too deeply, or its parts are too large, to be read."
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class HtmlExtractor:
    """Follows `Extractor`. Pages are cut as in `paging`."""

    media_types = frozenset({HTML})

    @contextmanager
    def open(self, path: Path, *, media_type: str = HTML) -> Iterator[MarkupExtraction]:
        root = _parse(read_bytes(path))
        try:
            blocks = list(_Reader().blocks(_main_part(root)))
        except RecursionError as error:
            raise PermanentError(_TOO_DEEP, code="corrupt_file") from error
        top = next((block.text for block in blocks if block.level == 1), "")
        yield paged(blocks, title=stated_title(root.findtext(".//title") or "") or stated_title(top))


def fragment_text(markup: str) -> str:
    """What a reader would read of HTML in another kind of document; empty for what is none."""
    try:
        root = lxml_html.fragment_fromstring(markup, create_parent="div")
        return "\n".join(block.text for block in _Reader().blocks(root))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, RecursionError):
        return ""


def _parse(content: bytes) -> etree._Element:
    stated = _STATED_CHARSET.search(content[:4096])
    text = decode(content, stated=stated.group(1).decode() if stated else "")
    parser = lxml_html.HTMLParser(
        # What is too much even so is lost without an error: hence the largest limits, and the look into the log.
        encoding="utf-8",
        no_network=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = lxml_html.document_fromstring(text.replace("\x00", "").encode(errors="ignore"), parser=parser)
        if any(entry.level == etree.ErrorLevels.FATAL for entry in parser.error_log):
            raise PermanentError(_TOO_DEEP, code="corrupt_file")
        return root
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise PermanentError("There is no text in this file.", code="no_text") from error


def _main_part(root: etree._Element) -> etree._Element:
    """What the page calls its main part, when it holds most of the text."""
    main = root.find(".//main")
    return main if main is not None and len(_all_text(main)) > 0.5 * len(_all_text(root)) else root


class _Reader:
    """Collects inline text until a block begins or ends."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._marker = ""
        self._list_depth = 0

    def blocks(self, root: etree._Element) -> Iterator[Block]:
        yield from self._element(root)
        yield from self._flush()

    def _element(self, element: etree._Element) -> Iterator[Block]:
        name = element.tag if isinstance(element.tag, str) else ""
        if name in _DROPPED or _is_hidden(element):
            return
        if name in _HEADINGS:
            yield from self._flush()
            yield from self._children(element)
            yield from self._flush(level=_HEADINGS[name])
        elif name == "pre":
            yield from self._flush()
            yield Block(text=_all_text(element))
        elif name == "li":
            yield from self._item(element)
        elif name == "tr" and _is_data_row(element):
            yield from self._flush()
            yield Block(
                text=" | ".join(_cell_text(cell) for cell in element if cell.tag in {"td", "th"}), is_tight=True
            )
        elif name in _BLOCKS:
            yield from self._flush()
            yield from self._children(element)
            yield from self._flush()
        else:
            self._text.append("\n" if name == "br" else _alternative(element))
            yield from self._children(element)

    def _children(self, element: etree._Element) -> Iterator[Block]:
        self._text.append(_SPACES.sub(" ", element.text or ""))
        for child in element:
            yield from self._element(child)
            self._text.append(_SPACES.sub(" ", child.tail or ""))

    def _item(self, element: etree._Element) -> Iterator[Block]:
        yield from self._flush()
        self._list_depth += 1
        self._marker = _marker(element)
        yield from self._children(element)
        yield from self._flush()
        self._marker = ""
        self._list_depth -= 1

    def _flush(self, *, level: int = 0) -> Iterator[Block]:
        text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", "".join(self._text))).strip()
        self._text.clear()
        if text:
            yield Block(text=self._marker + text, level=level, is_tight=self._list_depth > 0 and not level)
            self._marker = ""


def _is_hidden(element: etree._Element) -> bool:
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or element.get("role") == "navigation"
        or bool(_HIDING_STYLE.search(element.get("style", "")))
    )


def _marker(element: etree._Element) -> str:
    parent = element.getparent()
    if parent is None or parent.tag != "ol":
        return "• "
    start = parent.get("start", "1")
    before = sum(1 for sibling in element.itersiblings("li", preceding=True))
    return f"{before + (int(start) if re.fullmatch(r'[0-9]{1,6}', start) else 1)}. "


def _is_data_row(row: etree._Element) -> bool:
    """Of a table that holds data, not one that only places tables, headings or several paragraphs side by side."""
    cells = [cell for cell in row if cell.tag in {"td", "th"}]
    return len(cells) > 1 and not any(
        cell.find(".//table") is not None
        or any(cell.find(f".//{heading}") is not None for heading in _HEADINGS)
        or len(cell.findall("p")) > 2
        for cell in cells
    )


def _cell_text(cell: etree._Element) -> str:
    reader = _Reader()
    return " ".join(" ".join(block.text.split()) for block in (*reader._children(cell), *reader._flush()))


def _all_text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _alternative(element: etree._Element) -> str:
    """A picture's own words."""
    return f" {element.get('alt', '').strip()} " if element.tag == "img" and element.get("alt", "").strip() else ""
