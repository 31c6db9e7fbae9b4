"""The chart of a run: training events in, inline SVG out. No script, no outside reference, and a bounded size.

Readable on light and dark pages: axes and text take the page's own colour (`currentColor`), the two line colours
have a contrast of at least 3 to 1 on white and on black, and validation differs from training by its dots too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cypher_magic.training.events import TrainEvent

POINTS = 240  # a line has at most twice as many; more can not be told apart at this width
WINDOW = 0.04  # of all steps: what the smoothed loss averages over, exponentially
TRAIN, VALIDATION, RIGHT_ROWS = "var(--cm-train,#2f81f7)", "var(--cm-validation,#d9730d)", "var(--cm-right,#2c9a4b)"
WIDTH, LEFT, RIGHT, TOP, HEIGHT = 720, 46, 14, 26, 190  # of the plot, in units of the viewBox
RATE_GAP, RATE_HEIGHT = 34, 26  # the learning rate's strip below it
_LABEL = 80  # that the last label of the epochs takes
FONT = 'font-size="11.5" font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif"'
FAINT = 'fill="currentColor" opacity=".8"'


@dataclass
class Bucket:
    """Neighbouring values of a line: where they end, the lowest, the highest and the last of them, how many."""

    x: float
    low: float
    high: float
    last: float
    count: int = 1


@dataclass
class Series:
    """A line of bounded length: when it is full, neighbours are merged, keeping the lowest and the highest value."""

    buckets: list[Bucket] = field(default_factory=list)
    per_bucket: int = 1

    def add(self, x: float, y: float) -> None:
        """Add a value; x goes up, or steps back where a run was resumed from a checkpoint."""
        while self.buckets and self.buckets[-1].x > x:
            self.buckets.pop()
        last = self.buckets[-1] if self.buckets else None
        if last is not None and last.count < self.per_bucket:
            self.buckets[-1] = Bucket(x, min(last.low, y), max(last.high, y), y, last.count + 1)
            return
        self.buckets.append(Bucket(x, y, y, y))
        if len(self.buckets) > 2 * POINTS:
            self._halve()

    def _halve(self) -> None:
        pairs = [self.buckets[i : i + 2] for i in range(0, len(self.buckets), 2)]
        self.per_bucket *= 2
        self.buckets = [
            Bucket(p[-1].x, min(b.low for b in p), max(b.high for b in p), p[-1].last, sum(b.count for b in p))
            for p in pairs
        ]


@dataclass
class Curves:
    """Everything that the chart shows, kept small while events come in: x is the epoch, y the value.

    `right` is the execution accuracy, from 0 at the bottom of the plot to 1 at its top.
    """

    epochs: float = 0.0  # planned
    train: Series = field(default_factory=Series)
    smooth: Series = field(default_factory=Series)
    validation: Series = field(default_factory=Series)
    rate: Series = field(default_factory=Series)
    right: Series = field(default_factory=Series)
    _average: float = 0.0
    _weight: float = 0.0

    def add(self, event: TrainEvent) -> None:
        """Take in one event; kinds that have no line, and values that are no number, are left out."""
        if event.kind == "started":
            self.epochs = _number(event.get("epochs")) or self.epochs
        x, loss, rate = (_number(event.get(name)) for name in ("epoch", "loss", "learning_rate"))
        if x is None or event.kind not in ("step", "evaluated"):
            return
        if event.kind == "evaluated" and loss is not None:
            self.validation.add(x, loss)
        right = _number(event.get("execution_accuracy"))
        if event.kind == "evaluated" and right is not None:
            self.right.add(x, min(max(right, 0.0), 1.0))
        if event.kind == "step" and loss is not None:
            fresh = 1 / min(max(WINDOW * (_number(event.get("steps")) or 0), 2), 50)
            self._average += fresh * (loss - self._average)
            self._weight += fresh * (1 - self._weight)
            self.train.add(x, loss)
            self.smooth.add(x, self._average / self._weight)
        if event.kind == "step" and rate is not None:
            self.rate.add(x, rate)

    @classmethod
    def of(cls, events: Iterable[TrainEvent]) -> Curves:
        """The curves of these events."""
        curves = cls()
        for event in events:
            curves.add(event)
        return curves


def chart(curves: Curves) -> str:
    """The curves as one `<svg>` as wide as its place allows; empty text before there is a value."""
    train, smooth, validation = curves.train.buckets, curves.smooth.buckets, curves.validation.buckets
    if not train and not validation:
        return ""
    end = max([curves.epochs, *(line[-1].x for line in (train, validation) if line)]) or 1.0
    low, high, ticks = _loss_axis(train, smooth, validation)
    frame = _Frame(end, low, high)
    rate = _rate_strip(curves.rate.buckets, frame)
    height = TOP + HEIGHT + 22 + (RATE_GAP if rate else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img"'
        f' aria-label="{escape(_spoken(curves))}" style="display:block;max-width:{WIDTH}px;height:auto" {FONT}>',
        *_axes(frame, ticks, at_bottom=height - 6),
        _polyline(frame, [p for b in train for p in _spread(b)], TRAIN, 'stroke-opacity=".35"'),
        _polyline(frame, [(b.x, b.last) for b in smooth], TRAIN, 'stroke-width="2"'),
        _polyline(frame, [(b.x, b.last) for b in validation], VALIDATION, 'stroke-width="1.5" stroke-dasharray="5 3"'),
        *_dots(frame, validation),
        *_right_rows(curves.right.buckets, frame),
        *rate,
        *_legend(curves),
        "</svg>",
    ]
    return "".join(parts)


@dataclass(frozen=True)
class _Frame:
    """From epochs and losses to places in the viewBox; what is out of the frame sticks to its edge."""

    end: float
    low: float
    high: float

    def x(self, epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(epoch / self.end, 0.0), 1.0)

    def y(self, loss: float) -> float:
        share = (loss - self.low) / (self.high - self.low)
        return TOP + HEIGHT * (1 - min(max(share, 0.0), 1.0))


def _number(value: Any) -> float | None:
    """The value as a finite number that can be drawn, or None."""
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    return number if abs(number) < 1e30 else None


def _loss_axis(
    train: Sequence[Bucket], smooth: Sequence[Bucket], validation: Sequence[Bucket]
) -> tuple[float, float, list[float]]:
    """Lowest and highest loss of the axis, and its ticks. A few spikes of the training loss do not flatten the rest."""
    tops = [b.high for b in validation]
    for line in (train, smooth):
        tops += sorted(b.high for b in line)[: math.ceil(len(line) * 0.95)][-1:]
    top, bottom = max(tops), min(b.low for b in [*train, *smooth, *validation])
    if bottom > 0.5 * top or bottom < 0:
        step = nice((top - bottom) / 4 or abs(top) / 4 or 1.0)
        low = math.floor(bottom / step) * step
    else:
        step, low = nice(top / 4 or 0.25), 0.0
    count = max(1, math.ceil((top - low) / step - 1e-9))
    return low, low + count * step, [low + i * step for i in range(count + 1)]


def nice(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step * (1 - 1e-9))


def _axes(frame: _Frame, ticks: Sequence[float], *, at_bottom: float) -> list[str]:
    parts = []
    for tick in ticks:
        y = frame.y(tick)
        strength = 0.5 if tick == ticks[0] else 0.15
        parts.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity="{strength}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {FAINT}>{tick:.3g}</text>'
        )
    step = max(1.0, nice(frame.end / 10)) if frame.end >= 1 else frame.end
    epochs = [i * step for i in range(int(frame.end / step + 1e-9) + 1)]
    for epoch in epochs:
        x, label = frame.x(epoch), f"{epoch:.3g}"
        anchor = "end" if epoch == frame.end else "middle"
        label = f"epoch {label}" if epoch == epochs[-1] and epoch > 0 else label
        if epoch < epochs[-1] and frame.x(epochs[-1]) - x < _LABEL:  # it would run into the last one
            label = ""
        parts.append(
            f'<path d="M{x:.1f} {TOP + HEIGHT}v4" stroke="currentColor" stroke-opacity=".5"/>'
            f'<text x="{x:.1f}" y="{at_bottom}" text-anchor="{anchor}" {FAINT}>{label}</text>'
        )
    return parts


def _spread(bucket: Bucket) -> list[tuple[float, float]]:
    if bucket.low == bucket.high:
        return [(bucket.x, bucket.last)]
    return [(bucket.x, bucket.low), (bucket.x, bucket.high)]


def _polyline(frame: _Frame, points: Sequence[tuple[float, float]], colour: str, extra: str) -> str:
    if len(points) < 2:
        return ""
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke-linejoin="round" style="stroke:{colour}" {extra}/>'


def _dots(frame: _Frame, buckets: Sequence[Bucket]) -> list[str]:
    """A dot per validation, with its value under the pointer; none where they would run into one another."""
    if len(buckets) > 60:
        return []
    return [
        f'<circle cx="{frame.x(b.x):.1f}" cy="{frame.y(b.last):.1f}" r="3.2" style="fill:{VALIDATION}">'
        f"<title>epoch {b.x:.3g}: validation loss {b.last:.4g}</title></circle>"
        for b in buckets
    ]


def _right_rows(buckets: Sequence[Bucket], frame: _Frame) -> list[str]:
    """The execution accuracy, on a scale of its own as high as the plot."""
    points = [(frame.x(b.x), TOP + HEIGHT * (1 - b.last), b) for b in buckets]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    parts = (
        [f'<polyline points="{line}" fill="none" stroke-dasharray="2 3" style="stroke:{RIGHT_ROWS}"/>']
        if points
        else []
    )
    return parts + [
        f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" style="fill:{RIGHT_ROWS}">'
        f"<title>epoch {b.x:.3g}: {b.last:.0%} right rows</title></rect>"
        for x, y, b in points[: 61 if len(points) <= 60 else 0]
    ]


def _rate_strip(buckets: Sequence[Bucket], frame: _Frame) -> list[str]:
    peak = max((b.high for b in buckets), default=0.0)
    if len(buckets) < 2 or peak <= 0:
        return []
    bottom = TOP + HEIGHT + 8 + RATE_HEIGHT
    points = " ".join(f"{frame.x(b.x):.1f},{bottom - (RATE_HEIGHT - 4) * b.last / peak:.1f}" for b in buckets)
    first, last = frame.x(buckets[0].x), frame.x(buckets[-1].x)
    return [
        f'<polygon points="{first:.1f},{bottom} {points} {last:.1f},{bottom}" fill="currentColor" fill-opacity=".12"/>',
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-opacity=".45"/>',
        f'<text x="{LEFT - 6}" y="{bottom - 2}" text-anchor="end" {FAINT}>rate</text>',
    ]


def _legend(curves: Curves) -> list[str]:
    parts, x = [], float(LEFT)
    for name, series, colour in (
        ("training loss", curves.smooth, TRAIN),
        ("validation loss", curves.validation, VALIDATION),
    ):
        if not series.buckets:
            continue
        label = f"{name} {series.buckets[-1].last:.3g}"
        mark = f'<circle cx="{x + 9}" cy="11" r="3.2" style="fill:{colour}"/>' if series is curves.validation else ""
        parts.append(
            f'<path d="M{x} 11h18" stroke-width="2" style="stroke:{colour}"/>{mark}'
            f'<text x="{x + 24}" y="15" fill="currentColor">{label}</text>'
        )
        x += 24 + 7 * len(label) + 18
    if curves.right.buckets:
        parts.append(
            f'<rect x="{x + 6}" y="8" width="6" height="6" style="fill:{RIGHT_ROWS}"/>'
            f'<text x="{x + 18}" y="15" fill="currentColor">right rows {curves.right.buckets[-1].last:.0%}</text>'
        )
    if curves.rate.buckets:
        rate = f"learning rate {curves.rate.buckets[-1].last:.2g}"
        parts.append(f'<text x="{WIDTH - RIGHT}" y="15" text-anchor="end" {FAINT}>{rate}</text>')
    return parts


def _spoken(curves: Curves) -> str:
    """The chart in words, for those who do not see it."""
    told = [
        f"{name} from {series.buckets[0].last:.3g} to {series.buckets[-1].last:.3g}"
        for name, series in (("training loss", curves.smooth), ("validation loss", curves.validation))
        if series.buckets
    ]
    told += [f"right rows {curves.right.buckets[-1].last:.0%}"] if curves.right.buckets else []
    return "Chart: " + ", ".join(told)
