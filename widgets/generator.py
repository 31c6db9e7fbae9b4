"""Pairs made from the connected graph, in a panel: how many, which ones, progress, stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.widgets.panel import LABEL, row
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.pairs import Pairs
    from cypher_magic.widgets.work import Work

_EVERY = 0.2  # seconds between two updates of the bar
_PATIENCE = 600.0  # seconds; there is a button to stop


class PairMaker(widgets.VBox):
    """Makes pairs from the current graph by `generate_pairs`, as a panel's work, and gives them to `take`."""

    def __init__(self, work: Work, take: Callable[[Pairs], None]) -> None:
        self.work, self._take = work, take
        self.rows = _number(widgets.BoundedIntText, "Pairs", 600, 1, 100_000, "how many pairs to make")
        self.seed = _number(
            widgets.BoundedIntText, "Seed", 0, 0, 2**31 - 1, "other questions; the same for the same seed"
        )
        self.follow_ups = _number(
            widgets.BoundedFloatText, "Follow-ups", 0.1, 0.0, 1.0, "share of pairs that follow an earlier question"
        )
        self.typos = _number(
            widgets.BoundedFloatText, "Typos", 0.0, 0.0, 1.0, "share of questions with a slip of the keyboard"
        )
        narrow = widgets.Layout(width="auto", min_width="6.5em")
        self.make = widgets.Button(
            description="Generate",
            tooltip="make pairs from the connected graph; nothing is written to it",
            icon="magic",
            layout=narrow,
        )
        self.stop = widgets.Button(
            description="Stop", tooltip="stop with what there is", icon="stop", disabled=True, layout=narrow
        )
        self.bar = widgets.IntProgress(
            min=0, max=1, layout=widgets.Layout(flex="1 1 8em", width="auto", max_width="24em")
        )
        self.bar.layout.visibility = "hidden"
        self.report = widgets.HTML(layout=widgets.Layout(max_height="18em", overflow="auto"))
        self.make.on_click(lambda _: self._start())
        self.stop.on_click(lambda _: work.cancel())
        numbers = row(self.rows, self.seed, self.follow_ups, self.typos)
        super().__init__([numbers, row(self.make, self.stop, self.bar), self.report])

    def _start(self) -> None:
        options = {name: getattr(self, name).value for name in ("rows", "seed", "follow_ups", "typos")}
        self.work.start(
            lambda: self._make(options),
            "looking at the graph",
            ending="stopping; what was made is kept",
            cancelled="Stopped before a pair was made.",
        )

    def _make(self, options: dict[str, Any]) -> None:
        from cypher_magic import session

        shown = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal shown
            if time.monotonic() - shown >= _EVERY:
                shown = time.monotonic()
                self.bar.value = done
                self.work.status.say(f"{done:,} of {total:,} pairs")

        self.bar.value, self.bar.max, self.bar.layout.visibility = 0, options["rows"], "visible"
        self.stop.disabled = False
        try:
            pairs = session.generate_pairs(
                **options, time_budget=_PATIENCE, progress=progress, stop=lambda: self.work.cancelled
            )
        finally:
            self.stop.disabled = True
            self.bar.layout.visibility = "hidden"
        if not self.work.closed:
            self.report.value = roomy(pairs._repr_html_())
            self._take(pairs)


def _number(kind: Any, name: str, value: float, low: float, high: float, tooltip: str) -> Any:
    return kind(
        value=value,
        min=low,
        max=high,
        description=name,
        tooltip=tooltip,
        layout=widgets.Layout(width="15em"),
        style=LABEL,
    )
