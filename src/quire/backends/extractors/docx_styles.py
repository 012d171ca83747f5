"""What a DOCX says about its paragraphs elsewhere: styles that are headings, and the numbers of lists."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

BULLET = "•"
_MAX_BASED_ON = 20
_BODY_OUTLINE_LEVEL = 9
_HEADING_NAME = re.compile(r"heading (\d)", re.IGNORECASE)


def local(element: etree._Element) -> str:
    """The name without its namespace: Transitional and Strict OOXML differ in nothing else that we read."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element | None, name: str = "val") -> str:
    """An attribute whatever its namespace; empty when there is none."""
    for key, value in element.attrib.items() if element is not None else ():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first child by local names, one a step down."""
    for name in path:
        element = next((found for found in (element if element is not None else ()) if local(found) == name), None)
    return element


def number(text: str, *, default: int) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else default


@dataclass(frozen=True, slots=True, kw_only=True)
class ParagraphStyle:
    level: int = 0
    """Of a heading, from 1."""
    numbering: tuple[str, int] | None = None
    """`(numId, level from 0)` of a list."""


class Styles:
    """Paragraph styles by id, each with what it inherits."""

    def __init__(self, root: etree._Element | None) -> None:
        self._by_id = {attribute(style, "styleId"): style for style in (root if root is not None else ())}
        self._known: dict[str, ParagraphStyle] = {}

    def of(self, paragraph: etree._Element) -> ParagraphStyle:
        """By the paragraph itself, then its style, then what that is based on."""
        properties = child(paragraph, "pPr")
        style = self._style(attribute(child(properties, "pStyle")))
        own_level = _outline_level(properties)
        return ParagraphStyle(
            level=style.level if own_level is None else own_level,
            numbering=_numbering(properties) or style.numbering,
        )

    def _style(self, style_id: str) -> ParagraphStyle:
        if style_id not in self._known:
            chain = list(self._chain(style_id))
            levels = (_style_level(style) for style in chain)
            numberings = (_numbering(child(style, "pPr")) for style in chain)
            self._known[style_id] = ParagraphStyle(
                level=next((level for level in levels if level is not None), 0),
                numbering=next((numbering for numbering in numberings if numbering), None),
            )
        return self._known[style_id]

    def _chain(self, style_id: str) -> Iterator[etree._Element]:
        for _ in range(_MAX_BASED_ON):
            style = self._by_id.get(style_id)
            if style is None:
                return
            yield style
            style_id = attribute(child(style, "basedOn"))


def _style_level(style: etree._Element) -> int | None:
    """Built-in names are English in every language of Word ("heading 1"), while ids are translated."""
    name = attribute(child(style, "name"))
    if found := _HEADING_NAME.fullmatch(name):
        return int(found.group(1)) or None
    return 1 if name.lower() == "title" else _outline_level(child(style, "pPr"))


def _outline_level(properties: etree._Element | None) -> int | None:
    stated = child(properties, "outlineLvl")
    level = number(attribute(stated), default=_BODY_OUTLINE_LEVEL)
    return None if stated is None else level + 1 if 0 <= level < _BODY_OUTLINE_LEVEL else 0


def _numbering(properties: etree._Element | None) -> tuple[str, int] | None:
    stated = child(properties, "numPr")
    if stated is None:
        return None
    return attribute(child(stated, "numId")), min(max(number(attribute(child(stated, "ilvl")), default=0), 0), 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    kind: str = "bullet"
    pattern: str = ""
    """`%1.%2)`: the numbers of levels 1 and 2."""
    start: int = 1


@dataclass(slots=True)
class Numbering:
    """Gives list items their markers, in the order of the document."""

    root: etree._Element | None
    _lists: Mapping[str, Mapping[int, _Level]] = field(init=False)
    _counters: defaultdict[str, dict[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._lists = _read_lists(self.root)
        self._counters = defaultdict(dict)

    def marker(self, num_id: str, level: int) -> str:
        """ "3.", "a)", "•"; empty for numId 0, which takes an inherited number away."""
        if num_id in {"", "0"}:
            return ""
        levels = self._lists.get(num_id, {})
        counters = self._counters[num_id]
        for deeper in [known for known in counters if known > level]:
            del counters[deeper]
        counters[level] = counters.get(level, levels.get(level, _Level()).start - 1) + 1
        here = levels.get(level, _Level())
        if here.kind == "none":
            return ""
        if here.kind == "bullet" or not here.pattern:
            return BULLET

        def counted(found: re.Match[str]) -> str:
            of = levels.get(int(found.group(1)) - 1, _Level())
            return _formatted(counters.get(int(found.group(1)) - 1, of.start), of.kind)

        return re.sub(r"%([1-9])", counted, here.pattern).strip()


def _read_lists(root: etree._Element | None) -> dict[str, dict[int, _Level]]:
    abstract: dict[str, dict[int, _Level]] = {}
    for kind in (found for found in (root if root is not None else ()) if local(found) == "abstractNum"):
        abstract[attribute(kind, "abstractNumId")] = {
            number(attribute(level, "ilvl"), default=0): _Level(
                kind=attribute(child(level, "numFmt")) or "decimal",
                pattern=attribute(child(level, "lvlText")),
                start=number(attribute(child(level, "start")), default=1),
            )
            for level in kind
            if local(level) == "lvl"
        }
    return {
        attribute(use, "numId"): abstract.get(attribute(child(use, "abstractNumId")), {})
        for use in (root if root is not None else ())
        if local(use) == "num"
    }


def _formatted(value: int, kind: str) -> str:
    if kind in {"lowerLetter", "upperLetter"} and value > 0:
        letters = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letters if kind == "lowerLetter" else letters.upper()
    if kind in {"lowerRoman", "upperRoman"} and 0 < value < 4000:
        return _roman(value) if kind == "lowerRoman" else _roman(value).upper()
    return f"{value:02d}" if kind == "decimalZero" else str(value)


def _roman(value: int) -> str:
    digits = ""
    for worth, letters in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    ):
        digits += letters * (value // worth)
        value %= worth
    return digits
