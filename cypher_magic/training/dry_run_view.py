"""A dry run as text and as HTML. Examples are hostile: control characters are shown, and everything is escaped."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from cypher_magic.graph.values import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.training.dry_run import DryRun

BINS = 12
_BAR = 40  # characters of the longest bar
_LONGEST = 20_000  # characters of an example that are shown
WIDTH, HEIGHT, LABELS = 560, 110, 18  # of the histogram, in units of the viewBox
_PRE = (
    "color:inherit;background:rgba(128,128,128,.1);padding:.5em .7em;max-height:24em;overflow:auto;"
    "white-space:pre-wrap;overflow-wrap:anywhere;text-align:left"
)
_CELL = "text-align:left;vertical-align:top;padding:1px 10px 1px 0;white-space:normal;background:none"


def text(run: DryRun) -> str:
    """The dry run as lines: facts, a histogram of bars, the first example with ⟦what is trained⟧."""
    lines = [_heading(run)]
    lines += [f"  {name:9} {_clean(value)}" for name, value in run.facts]
    lines += ["", "Tokens per example"]
    bins = histogram(run.lengths)
    most = max(count for _, _, count in bins)
    width = max(len(f"{low}-{high}") for low, high, _ in bins)
    lines += [f"  {f'{a}-{b}':>{width}} {'█' * math.ceil(_BAR * n / most)} {n:,}" for a, b, n in bins]
    given, trained = map(_clean, run.example)
    lines += ["", f"First example (⟦trained⟧, {len(run.forecast.train.kept[0].answer)} tokens)"]
    return "\n".join([*lines, *(f"  {line}" for line in f"{given}⟦{trained}⟧".split("\n"))])


def html(run: DryRun) -> str:
    """The dry run as HTML: a table of facts, the histogram as SVG, the first example with trained tokens marked."""
    rows = "".join(
        f'<tr><td style="{_CELL}">{escape(name)}</td><td style="{_CELL}">{escape(_clean(value))}</td></tr>'
        for name, value in run.facts
    )
    given, trained = (escape(_clean(part)) for part in run.example)
    mark = "background:rgba(47,129,247,.3);color:inherit"
    count = len(run.forecast.train.kept[0].answer)
    return "\n".join(
        [
            '<div class="cypher-magic-dry-run">',
            f"<div><b>{escape(_heading(run))}</b></div>",
            f"<table>{rows}</table>",
            "<div>Tokens per example</div>",
            _svg(histogram(run.lengths)),
            f'<div>First example, <mark style="{mark}">trained</mark> ({count} tokens)</div>',
            f'<pre style="{_PRE}">{given}<mark style="{mark}">{trained}</mark></pre>',
            "</div>",
        ]
    )


def histogram(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """At most `BINS` neighbouring ranges of a round width that hold all lengths, as (lowest, highest, how many)."""
    low, high = min(lengths), max(lengths)
    rough = (high - low + 1) / BINS
    power = 10 ** max(0, math.floor(math.log10(rough)))
    width = next(int(f * power) for f in (1, 2, 5, 10, 20) if f * power >= rough)
    first = low // width * width
    bins = [(start, start + width - 1) for start in range(first, high + 1, width)]
    return [(a, b, sum(a <= length <= b for length in lengths)) for a, b in bins]


def _svg(bins: Sequence[tuple[int, int, int]]) -> str:
    most, wide = max(n for _, _, n in bins), WIDTH / len(bins)
    font = 'font-size="11" font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif"'
    spoken = "tokens per example: " + ", ".join(f"{a} to {b}: {n}" for a, b, n in bins)
    bars = []
    for i, (start, end, count) in enumerate(bins):
        tall = (HEIGHT - 14) * count / most
        x, top = i * wide, HEIGHT - tall
        bars.append(
            f'<rect x="{x + 1:.1f}" y="{top:.1f}" width="{wide - 2:.1f}" height="{tall:.1f}" fill="#2f81f7">'
            f"<title>{start} to {end} tokens: {count:,}</title></rect>"
            f'<text x="{x + wide / 2:.1f}" y="{top - 3:.1f}" text-anchor="middle" fill="currentColor">'
            f"{f'{count:,}' if count else ''}</text>"
            f'<text x="{x + 1:.1f}" y="{HEIGHT + 13}" fill="currentColor" opacity=".8">{start:,}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -14 {WIDTH} {HEIGHT + LABELS + 14}" width="100%"'
        f' role="img" aria-label="{escape(spoken)}" style="display:block;max-width:{WIDTH}px;height:auto" {font}>'
        f'{"".join(bars)}<path d="M0 {HEIGHT}H{WIDTH}" stroke="currentColor" stroke-opacity=".5"/></svg>'
    )


def _heading(run: DryRun) -> str:
    return f"Dry run of {run.name}: nothing was started or written"


def _clean(text: str) -> str:
    """The text with its line breaks, other control characters made visible, and not without end."""
    kept = text if len(text) <= _LONGEST else text[: _LONGEST // 2] + "\n…\n" + text[-_LONGEST // 2 :]
    return "\n".join(printable(line) for line in kept.split("\n"))
