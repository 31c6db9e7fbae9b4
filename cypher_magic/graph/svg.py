"""Dots and lines as SVG text: own colours, no script, no outside reference, every text escaped.

Readable on light and dark pages: lines and free text take the page's own text colour (`currentColor`), text on a dot
is dark on a light fill. Arrowheads are drawn as shapes; shared `<marker>` ids would clash between two pictures.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from cypher_magic.graph.layout import layout
from cypher_magic.graph.values import display_width, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.graph.picture import Dot, Line

COLOURS = (
    "#f4a261", "#74b9e8", "#90cf82", "#e996c8", "#b7a1e0", "#f5cf5b",
    "#66cbbd", "#f2918c", "#a9b8c9", "#c3dd66", "#d9b08c",
)  # fmt: skip
NO_LABEL = "#d6d6d6"
_RIM = ' stroke="#000" stroke-opacity=".28"'
MARGIN = 12
MAX_WIDTH, MAX_HEIGHT = 920, 620


class Scale(NamedTuple):
    """Sizes in pixels for a picture of up to `nodes` nodes."""

    nodes: int
    radius: float
    length: float
    text: float
    type_text: float  # 0: relationship types only under the pointer


SCALES = (Scale(12, 30, 145, 11, 10), Scale(40, 24, 115, 9.5, 9), Scale(90, 14, 74, 8, 0), Scale(10**9, 9, 46, 7, 0))


class Point(NamedTuple):
    """A place in the picture, in pixels."""

    x: float
    y: float


def draw(dots: Sequence[Dot], lines: Sequence[Line]) -> str:
    """The SVG text of a picture."""
    scale = next(s for s in SCALES if len(dots) <= s.nodes)
    room = 2 * (scale.radius + MARGIN)
    links = [(line.start, line.end) for line in lines]
    places = [
        Point(x, y)
        for x, y in layout(
            len(dots),
            links,
            length=scale.length,
            gap=2 * scale.radius + 14,
            width=MAX_WIDTH - room,
            height=MAX_HEIGHT - room,
        )
    ]
    colours = label_colours({dot.labels[0] for dot in dots if dot.labels})
    legend, legend_height = _legend(dots, colours)
    free = {i: _free_direction(i, links, places) for i, j in links if i == j}
    left, top, right, bottom = _extent(places, free, scale)
    shift = Point(MARGIN - left, MARGIN + legend_height - top)
    places = [Point(p.x + shift.x, p.y + shift.y) for p in places]
    width, height = max(right + shift.x + MARGIN, 320), bottom + shift.y + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" role="img" aria-label="{len(dots)} nodes, {len(lines)} relationships"'
        ' style="max-width:100%;height:auto;color:var(--jp-content-font-color1,currentColor)"'
        ' font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif">',
        *_drawn_lines(lines, places, free, scale),
        *(_drawn_dot(dot, place, colours, scale) for dot, place in zip(dots, places, strict=True)),
        *([] if _caption_inside(scale) else _captions(dots, links, places, scale)),
        *legend,
        "</svg>",
    ]
    return "\n".join(parts)


def label_colours(labels: set[str]) -> dict[str, str]:
    """A colour per label: the same label has the same colour in other pictures as long as colours last."""
    taken: dict[str, str] = {}
    for label in sorted(labels):
        wish = crc32(printable(label).encode()) % len(COLOURS)
        order = [COLOURS[(wish + i) % len(COLOURS)] for i in range(len(COLOURS))]
        taken[label] = next((c for c in order if c not in taken.values()), order[0])
    return taken


def text_width(text: str, size: float) -> float:
    """Roughly how wide the text is drawn, in pixels."""
    return display_width(text) * size * 0.56


def _extent(places: Sequence[Point], free: dict[int, Point], scale: Scale) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of everything that is drawn."""
    r = scale.radius
    side, below = (r, r) if _caption_inside(scale) else (r + 24, r + scale.text * 1.6)
    points = [Point(p.x + dx, p.y + dy) for p in places for dx, dy in ((-side, -r), (side, below))]
    for i, way in free.items():
        tip = Point(places[i].x + way.x * r * 3.4, places[i].y + way.y * r * 3)
        points += [Point(tip.x - 36, tip.y - 10), Point(tip.x + 36, tip.y + 10)]
    xs, ys = [p.x for p in points] or [0.0], [p.y for p in points] or [0.0]
    return min(xs), min(ys), max(xs), max(ys)


def _free_direction(i: int, links: Sequence[tuple[int, int]], places: Sequence[Point]) -> Point:
    """The direction from a node in which it has the fewest neighbours: room for a loop."""
    others = [places[b if a == i else a] for a, b in links if i in (a, b) and a != b]
    angles = sorted({math.atan2(p.y - places[i].y, p.x - places[i].x) for p in others})
    if not angles:
        return Point(0, -1)
    gaps = [(after - before, before) for before, after in zip(angles, [*angles[1:], angles[0] + math.tau], strict=True)]
    size, start = max(gaps)
    return Point(math.cos(start + size / 2), math.sin(start + size / 2))


def _caption_inside(scale: Scale) -> bool:
    return scale.radius >= 20


def _drawn_dot(dot: Dot, at: Point, colours: dict[str, str], scale: Scale) -> str:
    fill = colours[dot.labels[0]] if dot.labels else NO_LABEL
    title = "\n".join(["".join(f":{printable(label)}" for label in dot.labels) or "node", *dot.properties])
    parts = [
        f"<g><title>{escape(title)}</title>",
        f'<circle cx="{at.x:.1f}" cy="{at.y:.1f}" r="{scale.radius:g}" fill="{fill}"{_RIM}/>',
    ]
    name = printable(dot.caption)
    if _caption_inside(scale):
        lines = _wrapped(name, 2 * scale.radius - 7, scale.text)
        first = at.y - (len(lines) - 1) * scale.text * 0.56 + scale.text * 0.35
        parts += [
            f'<text x="{at.x:.1f}" y="{first + i * scale.text * 1.12:.1f}" font-size="{scale.text:g}" fill="#15181c"'
            f' text-anchor="middle">{escape(line)}</text>'
            for i, line in enumerate(lines)
        ]
    return "".join([*parts, "</g>"])


def _captions(
    dots: Sequence[Dot], links: Sequence[tuple[int, int]], places: Sequence[Point], scale: Scale
) -> list[str]:
    """Captions beside small dots, the most connected first; one that would cover another is left to the pointer."""
    degree = [0] * len(dots)
    for a, b in links:
        degree[a] += 1
        degree[b] += 1
    r = scale.radius
    taken = [(p.x - r, p.y - r, p.x + r, p.y + r) for p in places]
    drawn = []
    for i in sorted(range(len(dots)), key=lambda i: (-degree[i], i)):
        text = _shortened(printable(dots[i].caption), 80, scale.text)
        half = text_width(text, scale.text) / 2
        for y in (places[i].y + r + scale.text, places[i].y - r - scale.text * 0.35):
            box = (places[i].x - half, y - scale.text * 0.8, places[i].x + half, y + scale.text * 0.2)
            if text and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                drawn.append(
                    f'<text x="{places[i].x:.1f}" y="{y:.1f}" font-size="{scale.text:g}" fill="currentColor"'
                    f' text-anchor="middle">{escape(text)}</text>'
                )
                break
    return drawn


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _drawn_lines(lines: Sequence[Line], places: Sequence[Point], free: dict[int, Point], scale: Scale) -> list[str]:
    """All relationships; several between the same two nodes fan out."""
    between: dict[tuple[int, int], list[Line]] = {}
    for line in lines:
        between.setdefault((min(line.start, line.end), max(line.start, line.end)), []).append(line)
    drawn = []
    for (low, _), group in between.items():
        for i, line in enumerate(group):
            offset = i - (len(group) - 1) / 2
            if line.start == line.end:
                drawn.append(_drawn_loop(line, places[low], free[low], i, scale))
            else:
                bend = offset * (1 if line.start == low else -1)
                drawn.append(_drawn_line(line, places[line.start], places[line.end], bend, scale))
    return drawn


def _drawn_line(line: Line, start: Point, end: Point, bend: float, scale: Scale) -> str:
    """A line, straight or bent, from rim to rim, with a gap in the middle for its type."""
    dx, dy = end.x - start.x, end.y - start.y
    distance = math.hypot(dx, dy) or 1.0
    across = Point(-dy / distance, dx / distance)
    swing = bend * min(scale.radius * 2.0, distance * 0.35)
    knee = Point((start.x + end.x) / 2 + across.x * swing, (start.y + end.y) / 2 + across.y * swing)
    a = _toward(start, knee, scale.radius + 1)
    b = _toward(end, knee, scale.radius + 2)
    control = Point(2 * knee.x - (a.x + b.x) / 2, 2 * knee.y - (a.y + b.y) / 2)
    path = f"M{a.x:.1f} {a.y:.1f}Q{control.x:.1f} {control.y:.1f} {b.x:.1f} {b.y:.1f}"
    length = _curve_length(a, control, b)
    angle = math.degrees(math.atan2(dy, dx))
    angle = angle - 180 if angle > 90 else angle + 180 if angle < -90 else angle
    label, gap = _type_text(line, knee, angle, length - 16, scale)
    dash = f' stroke-dasharray="{(length - gap) / 2:.1f} {gap:.1f} {length:.1f}"' if gap else ""
    return _line_group(line, path, dash, _arrow(control, b, scale), label)


def _drawn_loop(line: Line, at: Point, way: Point, number: int, scale: Scale) -> str:
    """A relationship from a node to itself: a loop on its free side, further ones larger."""
    r = scale.radius

    def place(out: float, across: float) -> Point:
        return Point(at.x + (way.x * out - way.y * across) * r, at.y + (way.y * out + way.x * across) * r)

    reach = 2.4 + 0.8 * number
    a, b = place(0.84, -0.6), place(0.87, 0.6)
    c, d = place(reach * 1.05, -reach * 0.8), place(reach * 1.05, reach * 0.8)
    path = f"M{a.x:.1f} {a.y:.1f}C{c.x:.1f} {c.y:.1f} {d.x:.1f} {d.y:.1f} {b.x:.1f} {b.y:.1f}"
    out = 0.21 + reach * 0.79 + scale.type_text * 0.8 / r + abs(way.x) * len(line.type) * scale.type_text * 0.25 / r
    label, _ = _type_text(line, place(out, 0), 0, 10**6, scale)
    return _line_group(line, path, "", _arrow(d, b, scale), label)


def _line_group(line: Line, path: str, dash: str, arrow: str, label: str) -> str:
    title = escape("\n".join([f":{printable(line.type)}", *line.properties]))
    return (
        f'<g><title>{title}</title><path d="{path}" fill="none" stroke="transparent" stroke-width="9"/>'
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".55"{dash}/>{arrow}{label}</g>'
    )


def _type_text(line: Line, at: Point, angle: float, room: float, scale: Scale) -> tuple[str, float]:
    """The relationship type written along its line, and how much of the line it takes; nothing without room."""
    if not scale.type_text:
        return "", 0
    name = _shortened(printable(line.type), room, scale.type_text)
    if len(name) < min(8, len(line.type)):
        return "", 0
    text = (
        f'<text transform="translate({at.x:.1f} {at.y:.1f}) rotate({angle:.1f})" dy=".34em" text-anchor="middle"'
        f' font-size="{scale.type_text:g}" fill="currentColor">{escape(name)}</text>'
    )
    return text, text_width(name, scale.type_text) + 8


def _arrow(source: Point, tip: Point, scale: Scale) -> str:
    dx, dy = tip.x - source.x, tip.y - source.y
    distance = math.hypot(dx, dy) or 1.0
    x, y = dx / distance, dy / distance
    size = 4 + scale.radius / 8
    base = Point(tip.x - x * size, tip.y - y * size)
    corners = (
        tip,
        Point(base.x - y * size / 2, base.y + x * size / 2),
        Point(base.x + y * size / 2, base.y - x * size / 2),
    )
    points = " ".join(f"{c.x:.1f},{c.y:.1f}" for c in corners)
    return f'<polygon points="{points}" fill="currentColor" fill-opacity=".7"/>'


def _toward(start: Point, target: Point, by: float) -> Point:
    distance = math.hypot(target.x - start.x, target.y - start.y) or 1.0
    by = min(by, distance)
    return Point(start.x + (target.x - start.x) / distance * by, start.y + (target.y - start.y) / distance * by)


def _curve_length(a: Point, control: Point, b: Point, steps: int = 8) -> float:
    points = []
    for i in range(steps + 1):
        t = i / steps
        u = 1 - t
        points.append(
            Point(
                u * u * a.x + 2 * u * t * control.x + t * t * b.x,
                u * u * a.y + 2 * u * t * control.y + t * t * b.y,
            )
        )
    return sum(math.dist(p, q) for p, q in zip(points, points[1:], strict=False))


def _wrapped(text: str, room: float, size: float) -> list[str]:
    """The text in up to three lines that fit a circle."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size) <= room:
            lines[-1] = joined
        else:
            lines.append(word)
    if len(lines) > 3:
        lines = [*lines[:2], lines[2] + "…"]
    narrow = room * (1, 1, 0.92, 0.84)[len(lines)]
    return [_shortened(line, room if i == 1 and len(lines) == 3 else narrow, size) for i, line in enumerate(lines)]


def _shortened(text: str, room: float, size: float) -> str:
    if text_width(text, size) <= room:
        return text
    while text and text_width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip("… ") + "…"


def _legend(dots: Sequence[Dot], colours: dict[str, str]) -> tuple[list[str], float]:
    """A coloured mark and a count per label, in rows above the picture, and their height."""
    counts: dict[str, int] = {}
    for dot in dots:
        if dot.labels:
            counts[dot.labels[0]] = counts.get(dot.labels[0], 0) + 1
    if all(dot.labels == (dot.caption,) for dot in dots):
        return [], 0  # the picture of a schema names its labels itself
    parts = []
    x, y = float(MARGIN), float(MARGIN)
    for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:24]:
        text = _shortened(f"{printable(label)} ({count})", 220, 11)
        width = text_width(text, 11) + 30
        if x + width > 560 and x > MARGIN:
            x, y = float(MARGIN), y + 18
        parts.append(
            f'<circle cx="{x + 5:.1f}" cy="{y:.1f}" r="5" fill="{colours[label]}"{_RIM}/>'
            f'<text x="{x + 14:.1f}" y="{y + 4:.1f}" font-size="11" fill="currentColor">{escape(text)}</text>'
        )
        x += width
    return parts, (y + 8) if parts else 0
