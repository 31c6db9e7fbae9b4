"""How long the examples are, as one inline SVG: no script, no outside reference, readable on light and dark pages."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from cypher_magic.widgets.chart import FAINT, FONT, TRAIN, VALIDATION, nice

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LEFT, RIGHT, TOP, HEIGHT, BELOW = 720, 46, 14, 26, 110, 26
_BARS = 30  # at most, about


def histogram(lengths: Sequence[int], *, unit: str = "tokens", limit: int | None = None) -> str:
    """The lengths as one `<svg>`; with `limit`, what is longer than it is drawn in the other colour. "" without any."""
    if not lengths:
        return ""
    longest = max(*lengths, 1)
    step = max(1, round(nice(longest / _BARS)))
    bars = _counted(lengths, step)
    end, most = len(bars) * step, max(bars)
    said = escape(told(lengths, unit, limit))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + HEIGHT + BELOW}" width="100%" role="img"'
        f' aria-label="{said}" style="display:block;max-width:{WIDTH}px;height:auto" {FONT}>',
        f'<text x="{LEFT}" y="15" fill="currentColor">{said}</text>',
        *_count_axis(most),
        *_bars(bars, step, end, most, limit),
        *_length_axis(end, unit),
        *_limit_line(limit, end),
        "</svg>",
    ]
    return "".join(parts)


def told(lengths: Sequence[int], unit: str = "tokens", limit: int | None = None) -> str:
    """The lengths in words: median, 95th percentile, longest, and how many are beyond the limit."""
    ordered = sorted(lengths)
    last = len(ordered) - 1
    text = f"{len(ordered):,} examples: median {ordered[last // 2]:,}, 95 % {ordered[round(last * 0.95)]:,}"
    text += f", longest {ordered[-1]:,} {unit}"
    beyond = sum(length > limit for length in ordered) if limit else 0
    return text + (f"; {beyond:,} longer than {limit:,}" if beyond else "")


def _counted(lengths: Sequence[int], step: int) -> list[int]:
    bars = [0] * (max(lengths) // step + 1)
    for length in lengths:
        bars[length // step] += 1
    return bars


def _x(length: float, end: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * length / end


def _bars(bars: Sequence[int], step: int, end: int, most: int, limit: int | None) -> list[str]:
    parts = []
    for number, count in enumerate(bars):
        if not count:
            continue
        left, right = _x(number * step, end), _x((number + 1) * step, end)
        height = max(1.5, HEIGHT * count / most)
        beyond = limit is not None and number * step >= limit
        examples = "1 example" if count == 1 else f"{count:,} examples"
        parts.append(
            f'<rect x="{left + 0.5:.1f}" y="{TOP + HEIGHT - height:.1f}" width="{right - left - 1:.1f}"'
            f' height="{height:.1f}" style="fill:{VALIDATION if beyond else TRAIN}">'
            f"<title>{number * step:,} to {(number + 1) * step - 1:,}: {examples}</title></rect>"
        )
    return parts


def _count_axis(most: int) -> list[str]:
    step = max(1, round(nice(most / 3)))
    parts = []
    for count in range(0, most + 1, step):
        y = TOP + HEIGHT * (1 - count / most)
        strength = 0.15 if count else 0.5
        parts.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity="{strength}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {FAINT}>{count:,}</text>'
        )
    return parts


def _length_axis(end: int, unit: str) -> list[str]:
    step = max(1, round(nice(end / 8)))
    ticks = [n * step for n in range(math.floor(end / step) + 1)]
    parts = []
    for tick in ticks:
        x = _x(tick, end)
        label = f"{tick:,} {unit}" if tick == ticks[-1] else f"{tick:,}"
        anchor = "end" if tick == ticks[-1] else "middle"
        x = min(x + 30, WIDTH - RIGHT) if tick == ticks[-1] else x
        parts.append(f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="{anchor}" {FAINT}>{label}</text>')
    return parts


def _limit_line(limit: int | None, end: int) -> list[str]:
    if limit is None or limit >= end:
        return []
    x = _x(limit, end)
    return [
        f'<path d="M{x:.1f} {TOP}v{HEIGHT}" style="stroke:{VALIDATION}" stroke-width="1.5" stroke-dasharray="5 3"/>'
    ]
