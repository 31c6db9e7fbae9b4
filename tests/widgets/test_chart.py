from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from cypher_magic.training.events import TrainEvent
from cypher_magic.widgets.chart import POINTS, Curves, Series, chart

SVG = "{http://www.w3.org/2000/svg}"


def training(steps: int, epochs: int = 3) -> Iterator[TrainEvent]:
    yield TrainEvent("started", 0.0, {"epochs": epochs})
    yield TrainEvent("evaluated", 0.0, {"epoch": 0.0, "loss": 3.0})
    for step in range(1, steps + 1):
        epoch = step / steps * epochs
        values = {
            "step": step,
            "epoch": epoch,
            "loss": 3 * math.exp(-epoch),
            "learning_rate": 1e-3 * (1 - epoch / epochs),
        }
        yield TrainEvent("step", float(step), values)
        if step % (steps // epochs) == 0:
            yield TrainEvent("evaluated", float(step), {"epoch": round(epoch, 3), "loss": 0.2 + 2 * math.exp(-epoch)})


def drawn(events: Iterator[TrainEvent] | list[TrainEvent]) -> ElementTree.Element:
    return ElementTree.fromstring(chart(Curves.of(events)))


def test_there_is_no_chart_before_there_is_a_value() -> None:
    assert chart(Curves.of([])) == ""
    assert chart(Curves.of([TrainEvent("started", 0.0, {"epochs": 3})])) == ""


def test_the_chart_shows_training_validation_and_learning_rate() -> None:
    svg = drawn(training(60))
    texts = [t.text or "" for t in svg.iter(f"{SVG}text")]
    assert any(t.startswith("training loss 0.") for t in texts)
    assert any(t.startswith("validation loss 0.") for t in texts)
    assert "learning rate 0" in texts
    assert "epoch 3" in texts
    assert len(list(svg.iter(f"{SVG}circle"))) == 4 + 1, "a dot per validation and one in the legend"
    assert len(list(svg.iter(f"{SVG}polyline"))) == 4, "raw, smoothed, validation, learning rate"


def test_the_share_of_right_rows_is_drawn_where_queries_were_run() -> None:
    shares = iter([0.0, 0.25, 0.5, 0.75])
    events = [
        TrainEvent(e.kind, e.time, {**e.values, "execution_accuracy": next(shares)}) if e.kind == "evaluated" else e
        for e in training(60)
    ]
    svg = drawn(events)
    assert "right rows 75%" in [t.text for t in svg.iter(f"{SVG}text")]
    marks = [r for r in svg.iter(f"{SVG}rect") if r.find(f"{SVG}title") is not None]
    assert [m.findtext(f"{SVG}title") for m in marks][1:3] == ["epoch 1: 25% right rows", "epoch 2: 50% right rows"]
    heights = [float(m.get("y", "")) for m in marks]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 4
    assert "right rows 75%" in svg.get("aria-label", "")
    assert "right rows" not in chart(Curves.of(training(60)))


def test_the_chart_is_as_wide_as_its_place_and_asks_nobody_for_anything() -> None:
    text = chart(Curves.of(training(60)))
    svg = ElementTree.fromstring(text)
    assert svg.get("width") == "100%"
    assert svg.get("viewBox", "").startswith("0 0 720 ")
    assert "script" not in text and "@import" not in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]


def test_axes_and_text_take_the_colour_of_the_page() -> None:
    for element in drawn(training(60)).iter(f"{SVG}text"):
        assert element.get("fill") == "currentColor"


def test_a_hundred_thousand_steps_make_no_larger_chart_than_a_thousand() -> None:
    small, large = (len(chart(Curves.of(training(steps)))) for steps in (1_000, 100_000))
    assert large < 1.5 * small < 75_000


@pytest.mark.parametrize("epochs", [2, 3, 10, 15, 100, 900])
def test_the_labels_of_the_epochs_do_not_run_into_each_other(epochs: int) -> None:
    texts = [t for t in drawn(training(epochs, epochs)).iter(f"{SVG}text") if t.get("text-anchor") in ("middle", "end")]
    bottom = max(float(t.get("y", "0")) for t in texts)
    spans = []
    for t in texts:
        if float(t.get("y", "0")) == bottom and t.text:
            wide, x = 6.5 * len(t.text), float(t.get("x", "0"))
            spans.append((x - wide, x) if t.get("text-anchor") == "end" else (x - wide / 2, x + wide / 2))
    assert spans and all(one[1] + 8 < other[0] for one, other in itertools.pairwise(spans))


def test_a_full_line_is_halved_and_keeps_its_peaks() -> None:
    series = Series()
    for step in range(50_000):
        series.add(step, 9.0 if step == 12_345 else 1.0)
    assert len(series.buckets) <= 2 * POINTS
    assert max(b.high for b in series.buckets) == 9.0
    assert sum(b.count for b in series.buckets) == 50_000
    assert series.buckets[-1].x == 49_999


def test_a_resumed_run_goes_on_from_its_checkpoint() -> None:
    series = Series()
    for x in (0.1, 0.2, 0.3, 0.15, 0.25):
        series.add(x, x)
    assert [b.x for b in series.buckets] == [0.1, 0.15, 0.25]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "<script>", True])
def test_a_value_that_is_no_number_leaves_a_gap(value: object) -> None:
    events = [
        TrainEvent("step", 0.0, {"epoch": e, "loss": v, "learning_rate": v}) for e, v in ((0.1, 1.0), (0.2, value))
    ]
    svg = drawn([*events, TrainEvent("step", 0.0, {"epoch": 0.3, "loss": 0.5, "learning_rate": 1e-4})])
    text = ElementTree.tostring(svg, encoding="unicode")
    assert "nan" not in text and "inf" not in text and "script" not in text
    assert len(Curves.of(events).train.buckets) == 1


@pytest.mark.parametrize("losses", [[0.0, 0.0], [5.0, 5.0], [-1.0, -2.0], [1e-9, 2e-9], [1e20, 1.0]])
def test_odd_losses_still_make_a_chart_inside_its_frame(losses: list[float]) -> None:
    svg = drawn([TrainEvent("step", 0.0, {"epoch": i / 2, "loss": loss}) for i, loss in enumerate(losses)])
    for line in svg.iter(f"{SVG}polyline"):
        places = [tuple(map(float, p.split(","))) for p in line.get("points", "").split()]
        assert places and all(0 <= x <= 720 and 0 <= y <= 240 for x, y in places)


def test_one_spike_does_not_flatten_the_curve() -> None:
    events = [TrainEvent("step", 0.0, {"epoch": i / 100, "loss": 500.0 if i == 3 else 1.0}) for i in range(1, 200)]
    ticks = [t.text or "" for t in drawn(events).iter(f"{SVG}text") if t.get("text-anchor") == "end"]
    assert max(float(t) for t in ticks if re.fullmatch(r"[\d.e+]+", t)) < 250
