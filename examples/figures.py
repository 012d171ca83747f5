"""The figures of the example PDFs, drawn by code: a wind rose, three molecules, a punched card and a chart."""

from __future__ import annotations

from math import cos, log10, pi, sin

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor, white

INK = HexColor("#222222")
SOFT = HexColor("#8a8a8a")


def wind_rose(accent: Color, *, size: float = 190) -> Drawing:
    """A rose of sixteen winds, as a portolan chart carries it."""
    drawing = Drawing(size, size)
    centre, reach = size / 2, size / 2 - 14
    for share in (0.97, 0.93, 0.5):
        drawing.add(Circle(centre, centre, reach * share, fillColor=None, strokeColor=accent, strokeWidth=0.7))
    for length, first, step in ((0.62, 22.5, 45), (0.8, 45, 90), (1.0, 0, 90)):
        for angle in range(int(first * 10), 3600, step * 10):
            _add_ray(drawing, centre, reach * length, angle * pi / 1800, accent)
    for name, angle in (("N", 90), ("E", 0), ("S", -90), ("W", 180)):
        x, y = centre + (reach + 7) * cos(angle * pi / 180), centre + (reach + 7) * sin(angle * pi / 180)
        drawing.add(String(x, y - 3.4, name, fontName="Times-Bold", fontSize=10, textAnchor="middle", fillColor=accent))
    return drawing


def _add_ray(drawing: Drawing, centre: float, length: float, angle: float, accent: Color) -> None:
    tip = (centre + length * cos(angle), centre + length * sin(angle))
    for side, fill in ((1, accent), (-1, white)):
        waist = angle + side * pi / 10
        corner = (centre + length * 0.2 * cos(waist), centre + length * 0.2 * sin(waist))
        drawing.add(Polygon([centre, centre, *corner, *tip], fillColor=fill, strokeColor=accent, strokeWidth=0.5))


BOND = 22.0
"""Length of a bond, in points."""


def molecules(*, width: float = 430) -> Drawing:
    """Vanillin, eugenol and cinnamaldehyde as skeletal formulas: one ring, three tails."""
    drawing = Drawing(width, 182)
    for index, (name, formula, tail, has_oxygen) in enumerate(
        (
            ("Vanillin", "C<8>H<8>O<3>", "aldehyde", True),
            ("Eugenol", "C<10>H<12>O<2>", "allyl", True),
            ("Cinnamaldehyde", "C<9>H<8>O", "propenal", False),
        )
    ):
        x = width * (index + 0.42) / 3
        drawing.add(_molecule(x, 92, tail, has_oxygen=has_oxygen))
        drawing.add(String(x, 14, name, fontName="Times-Bold", fontSize=10, textAnchor="middle", fillColor=INK))
        _add_formula(drawing, x, 1, formula)
    return drawing


def _add_formula(drawing: Drawing, x: float, y: float, formula: str) -> None:
    parts = formula.replace("<", "|<").replace(">", "|").split("|")
    x -= sum(4.2 if part.startswith("<") else 6.6 * len(part) for part in parts if part) / 2
    for part in parts:
        size, drop = (7, -2) if part.startswith("<") else (9.5, 0)
        text = part.removeprefix("<")
        drawing.add(String(x, y + 2 + drop, text, fontName="Times-Roman", fontSize=size, fillColor=SOFT))
        x += len(text) * (3.6 if part.startswith("<") else 6.8)


def _molecule(x: float, y: float, tail: str, *, has_oxygen: bool) -> Group:
    group = Group()
    ring = [(x + BOND * cos(a * pi / 180), y + BOND * sin(a * pi / 180)) for a in (90, 30, -30, -90, -150, 150)]
    for at, start in enumerate(ring):
        _bond(group, start, ring[(at + 1) % 6], is_double=at % 2 == 0, towards=(x, y))
    if has_oxygen:
        _bond(group, ring[3], (x, y - 2 * BOND + 6))
        _label(group, x, y - 2 * BOND - 4, "OH")
        _bond(group, ring[2], (ring[2][0] + 14, ring[2][1] - 8))
        _label(group, ring[2][0] + 16, ring[2][1] - 16, "OCH", anchor="start", index="3")
    _tail(group, ring[0], tail)
    return group


def _tail(group: Group, top: tuple[float, float], tail: str) -> None:
    x, y = top
    if tail == "aldehyde":
        _bond(group, top, (x, y + 14))
        _label(group, x - 4, y + 17, "CHO", anchor="start")
        return
    first, second = (x, y + BOND), (x + 19, y + BOND + 11)
    _bond(group, top, first)
    _bond(group, first, second, is_double=tail == "propenal", towards=(x + 19, y))
    if tail == "propenal":
        _bond(group, second, (second[0], second[1] + 14))
        _label(group, second[0] - 4, second[1] + 17, "CHO", anchor="start")
    else:
        _bond(group, second, (second[0] + 19, second[1] - 11), is_double=True, towards=(x + 19, y))


def _bond(
    group: Group, start: tuple[float, float], end: tuple[float, float], *, is_double: bool = False,
    towards: tuple[float, float] = (0, 0),
) -> None:  # fmt: skip
    group.add(Line(*start, *end, strokeColor=INK, strokeWidth=1.1, strokeLineCap=1))
    if is_double:
        inner = [(p[0] + 0.16 * (towards[0] - p[0]), p[1] + 0.16 * (towards[1] - p[1])) for p in (start, end)]
        group.add(Line(*inner[0], *inner[1], strokeColor=INK, strokeWidth=1.1, strokeLineCap=1))


def _label(group: Group, x: float, y: float, text: str, *, anchor: str = "middle", index: str = "") -> None:
    group.add(String(x, y, text, fontName="Times-Roman", fontSize=10.5, textAnchor=anchor, fillColor=INK))
    if index:
        group.add(String(x + 22.5, y - 2, index, fontName="Times-Roman", fontSize=7, fillColor=INK))


ROWS = ("12", "11", *"0123456789")


def punches(letter: str) -> tuple[str, ...]:
    """The rows that a letter or digit is punched in, by the code of IBM's 80-column card."""
    if letter.isdigit():
        return (letter,)
    for zone, letters, first in (("12", "ABCDEFGHI", 1), ("11", "JKLMNOPQR", 1), ("0", "STUVWXYZ", 2)):
        if letter in letters:
            return (zone, str(letters.index(letter) + first))
    return ()


def punched_card(text: str, accent: Color, *, width: float = 430) -> Drawing:
    """An 80-column card with `text` punched and printed on it."""
    height = width * 3.25 / 7.375
    drawing = Drawing(width, height)
    corner = 16
    drawing.add(
        Polygon(
            [0, 0, width, 0, width, height, corner, height, 0, height - corner],
            fillColor=HexColor("#f6efdc"), strokeColor=accent, strokeWidth=0.8,
        )
    )  # fmt: skip
    pitch, line = (width - 24) / 80, (height - 26) / 12
    for column, letter in enumerate(text.upper().ljust(80)[:80]):
        x = 12 + column * pitch
        drawing.add(String(x, height - 10, letter.strip() or " ", fontName="Courier", fontSize=6.4, fillColor=INK))
        for row, name in enumerate(ROWS):
            y = height - 16 - (row + 0.85) * line
            if name in punches(letter):
                drawing.add(Rect(x, y, pitch * 0.62, line * 0.72, fillColor=INK, strokeColor=None))
            elif row > 1:
                drawing.add(String(x, y + 2, name, fontName="Courier", fontSize=5, fillColor=HexColor("#c9b98e")))
    return drawing


CHIPS = (
    (1971, 2_300, "Intel 4004"), (1978, 29_000, "8086"), (1985, 275_000, "80386"), (1993, 3_100_000, "Pentium"),
    (2000, 42_000_000, "Pentium 4"), (2006, 291_000_000, "Core 2 Duo"), (2020, 16_000_000_000, "Apple M1"),
)  # fmt: skip


def transistors(accent: Color, *, width: float = 430, height: float = 215) -> Drawing:
    """Transistors on a chip by year, on a logarithmic scale."""
    drawing = Drawing(width, height)
    left, bottom, right, top = 62, 24, width - 30, height - 8

    def place(year: float, power: float) -> tuple[float, float]:
        return left + (year - 1968) / 56 * (right - left), bottom + (power - 3) / 8 * (top - bottom)

    for power, name in ((3, "1,000"), (5, "100,000"), (7, "10 million"), (9, "1 billion"), (11, "100 billion")):
        y = place(1968, power)[1]
        drawing.add(Line(left, y, right, y, strokeColor=HexColor("#d8d8d8"), strokeWidth=0.5))
        drawing.add(String(left - 6, y - 3, name, fontName="Helvetica", fontSize=7.5, textAnchor="end", fillColor=SOFT))
    for year in range(1970, 2025, 10):
        x = place(year, 3)[0]
        drawing.add(Line(x, bottom, x, bottom - 4, strokeColor=SOFT, strokeWidth=0.5))
        drawing.add(
            String(x, bottom - 14, str(year), fontName="Helvetica", fontSize=7.5, textAnchor="middle", fillColor=SOFT)
        )
    points = [place(year, log10(count)) for year, count, _ in CHIPS]
    drawing.add(PolyLine([v for point in points for v in point], strokeColor=accent, strokeWidth=1.2))
    for (x, y), (_, _, name) in zip(points, CHIPS, strict=True):
        drawing.add(Circle(x, y, 3, fillColor=accent, strokeColor=white, strokeWidth=0.8))
        drawing.add(String(x + 6, y - 9, name, fontName="Helvetica", fontSize=8, fillColor=INK))
    return drawing
