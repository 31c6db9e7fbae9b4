"""A run on the screen while it goes on, and as it stays in the saved notebook: HTML for notebooks, lines for the rest.

    view = TrainingView(run)
    with shown(view) as on_events:
        run.wait(on_events)

Needs IPython only; the panel puts the same HTML into a widget.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from html import escape
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

from cypher_magic.widgets import samples
from cypher_magic.widgets.chart import Curves, chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cypher_magic.training.events import TrainEvent
    from cypher_magic.training.runs import Run

PAUSE = 0.5  # seconds between two drawings; more often is work for the browser and not seen
NOTES = 20  # notes that are kept
ENDED = ("completed", "stopped", "failed", "died")

_STYLE = """<style>
.cm-train{color:var(--jp-ui-font-color1,inherit);font-size:var(--jp-ui-font-size1,13px);line-height:1.45;max-width:720px}
.cm-train .cm-bar{height:6px;border-radius:3px;margin:.45em 0;background:rgba(128,128,128,.28);overflow:hidden}
.cm-train .cm-bar div{height:100%;background:#2f81f7}
.cm-train .cm-facts{opacity:.85;font-variant-numeric:tabular-nums;margin-bottom:.4em}
.cm-train .cm-failed{border-left:3px solid #d1453b;padding-left:.6em;margin:.4em 0;overflow-wrap:anywhere}
.cm-train .cm-note{opacity:.8;overflow-wrap:anywhere}
.cm-train table.cm-samples{border-collapse:collapse;width:100%;margin:.5em 0;table-layout:fixed}
.cm-train table.cm-samples th,.cm-train table.cm-samples td{text-align:left!important;
vertical-align:top;padding:.15em .5em;border:0;background:none;white-space:normal;overflow-wrap:anywhere}
.cm-train table.cm-samples th{border-top:1px solid rgba(128,128,128,.35);padding-top:.4em}
.cm-train table.cm-samples{font-size:inherit}
.cm-train table.cm-samples col.cm-who{width:6.5em}
.cm-train table.cm-samples td:first-child{opacity:.75}
.cm-train table.cm-samples code{background:none;color:inherit;padding:0;white-space:pre-wrap}
.cm-train .cm-differs{text-decoration:underline wavy #d1453b 1px;text-underline-offset:3px}
.cm-train .cm-missing{color:#d1453b;font-weight:bold}
.cm-train .cm-right{color:#2c9a4b}
.cm-train summary{cursor:pointer}
.cm-train pre{color:inherit;background:none;margin:.3em 0;white-space:pre-wrap}
</style>"""


class TrainingView:
    """What is known of a run from its events: `html` and `text` show it as it stands after the last `update`.

    Memory and size of the HTML are bounded however many events come in.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.state = "starting"
        self.curves = Curves()
        self.epochs = _EpochTable()
        self.started: TrainEvent | None = None
        self.step: TrainEvent | None = None
        self.ended: TrainEvent | None = None
        self.notes: list[str] = []
        self.first_samples: list[Any] = []
        self.last_samples: list[Any] = []
        self._sampled_at = ""
        self._samples_html = ""

    def update(self, events: Iterable[TrainEvent]) -> TrainingView:
        """Take in the events that are new, in order."""
        for event in events:
            self.curves.add(event)
            self.epochs.add(event)
            take = getattr(self, f"_on_{event.kind}", None)
            if take is not None:
                take(event)
        return self

    def settle(self) -> TrainingView:
        """Ask the run folder what became of a run that ended without a last event."""
        if self.state not in ENDED:
            self.state = self.run.state
        return self

    def _on_started(self, event: TrainEvent) -> None:
        self.started, self.ended, self.state = event, None, "running"

    def _on_step(self, event: TrainEvent) -> None:
        self.step = event

    def _on_noted(self, event: TrainEvent) -> None:
        self.notes = [*self.notes, samples.one_line(event.get("message"))][-NOTES:]

    def _on_sampled(self, event: TrainEvent) -> None:
        self.last_samples = [s for s in event.get("samples") or [] if isinstance(s, dict)]
        self.first_samples = self.first_samples or self.last_samples
        self._sampled_at = f"epoch {_short(event.get('epoch'))}"
        earlier = self.first_samples if self.first_samples is not self.last_samples else []
        self._samples_html = samples.table(earlier, self.last_samples, names=("before", self._sampled_at))

    def _on_finished(self, event: TrainEvent) -> None:
        self.ended, self.state = event, str(event.get("state", "completed"))

    def _on_failed(self, event: TrainEvent) -> None:
        self.ended, self.state = event, "failed"

    @property
    def over(self) -> bool:
        """Whether the run has ended, one way or another."""
        return self.state in ENDED

    @property
    def share(self) -> float:
        """How much of the run is done, from 0 to 1."""
        if self.state == "completed":
            return 1.0
        done, steps = (self.step.get(n, 0) if self.step else 0 for n in ("step", "steps"))
        return min(1.0, done / steps) if steps else 0.0

    @property
    def headline(self) -> str:
        """Which run, how it stands, and on what it trains."""
        parts = [f"Run {self.run.name}: {_STATES.get(self.state, self.state)}"]
        if self.started is not None:
            rows, epochs = self.started.get("rows"), self.started.get("epochs")
            parts += [f"on {self.started.get('device')}"] if self.started.get("device") else []
            parts += [f"{rows:,} examples"] if isinstance(rows, int) else []
            parts += [f"{_short(epochs)} epoch{'' if epochs == 1 else 's'}"] if epochs else []
        return samples.one_line(" · ".join(parts), 300)

    @property
    def facts(self) -> str:
        """One line of figures: place, speed, memory, time left (or taken), the latest validation loss."""
        parts = []
        if self.step is not None:
            got = self.step.get
            parts.append(f"epoch {got('epoch', 0):.2f}, step {got('step', 0):,} of {got('steps', 0):,}")
            parts += [f"{got('tokens_per_second'):,.0f} tokens/s"] if got("tokens_per_second") else []
            parts += [f"{got('memory_bytes') / 1e9:.1f} GB memory"] if got("memory_bytes") else []
        if self.epochs.validation:
            parts.append(f"validation loss {self.epochs.validation[-1][1]:.3g}{self.epochs.best()}")
        if self.over and self.started is not None:
            parts.append(f"took {duration(self.epochs.seconds)}")
        elif self.step is not None and isinstance(self.step.get("eta_seconds"), int | float):
            parts.append(f"about {duration(self.step['eta_seconds'])} left")
        elif self.state == "starting":
            parts.append("loading the model")
        return " · ".join(parts)

    @property
    def html(self) -> str:
        """The run as HTML: state, bar, figures, chart, sample answers, notes, and the epochs as a folded table."""
        failed = f'<div class="cm-failed">{escape(self._failure())}</div>' if self._failure() else ""
        notes = "".join(f'<div class="cm-note">{escape(note)}</div>' for note in self.notes)
        epochs = escape("\n".join(self.epochs.lines(whole=self.over)))
        parts = [
            _STYLE,
            f'<div class="cm-train"><div><b>{escape(self.headline)}</b></div>',
            f'<div class="cm-bar" role="progressbar" aria-label="progress" aria-valuenow="{self.share:.0%}">'
            f'<div style="width:{self.share:.1%}"></div></div>',
            f'<div class="cm-facts">{escape(self.facts)}</div>',
            failed,
            notes,
            chart(self.curves),
            self._answers(),
            f"<details><summary>Epochs</summary><pre>{epochs}</pre></details>" if epochs else "",
            "</div>",
        ]
        return "\n".join(part for part in parts if part)

    @property
    def text(self) -> str:
        """The run as plain text: a headline, a line per epoch, the sample answers, and how it ended."""
        return "\n".join([*self.lines(), *self.last_lines()])

    def lines(self) -> list[str]:
        """What is settled so far and will not change: the epochs that are over, and the notes."""
        return [*self.notes, *self.epochs.lines(whole=self.over)]

    def last_lines(self) -> list[str]:
        """How the run stands now, or how it ended, and its latest sample answers."""
        answers = []
        for sample in self.last_samples[: samples.SHOWN] if self.over else []:
            mark = "✓" if samples.same(sample.get("reply"), sample.get("query")) else "✗"
            answers.append(f"  {samples.one_line(sample.get('question'), 200)}")
            answers.append(f"  {mark} {samples.one_line(sample.get('reply'), 300)}")
        failure = [self._failure()] if self._failure() else []
        return [*answers, self.headline, *([self.facts] if self.facts else []), *failure]

    def _answers(self) -> str:
        if not self._samples_html:
            return ""
        count = len(self.last_samples)
        right = samples.score(self.last_samples)
        title = f"{count} validation question{'s'[: count != 1]} at {self._sampled_at}: {right} answered as wanted"
        return f"<details open><summary>{escape(title)}</summary>{self._samples_html}</details>"

    def _failure(self) -> str:
        if self.state == "failed" and self.ended is not None:
            hint = f" ({self.ended.get('hint')})" if self.ended.get("hint") else ""
            return samples.one_line(f"{self.ended.get('message')}{hint}")
        return "The worker process ended without a word: out of memory, or killed." if self.state == "died" else ""

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


_STATES = {"starting": "starting", "running": "training", "died": "its process is gone"}


class _EpochTable:
    """Mean training loss, validation loss and seconds per epoch, from events as they come in."""

    def __init__(self) -> None:
        self.validation: list[tuple[float, float]] = []  # epoch, loss
        self.seconds = 0.0
        self._rows: dict[int, list[float]] = {}  # epoch -> sum of losses, count, seconds at its end
        self._reached = 0.0
        self._began: float | None = None
        self._before = 0.0  # seconds of earlier attempts of a resumed run

    def add(self, event: TrainEvent) -> None:
        if event.kind == "started":
            self._began, self._before = event.time, self.seconds
        if self._began is not None:
            self.seconds = max(self.seconds, self._before + event.time - self._began)
        loss, epoch = event.get("loss"), event.get("epoch")
        if event.kind not in ("step", "evaluated") or not isinstance(loss, int | float) or not isfinite(loss):
            return
        if event.kind == "evaluated":
            self.validation = [*(v for v in self.validation if v[0] < epoch), (epoch, loss)]
            if round(epoch) in self._rows:
                self._rows[round(epoch)][2] = self.seconds
        else:
            number = max(1, ceil(epoch - 5e-4))  # epochs come rounded to three places
            total, count, _ = self._rows.get(number, (0.0, 0, 0.0))
            self._rows[number] = [total + loss, count + 1, self.seconds]
        self._reached = epoch

    def best(self) -> str:
        """Where the validation loss was lowest, when it has gone up since."""
        epoch, loss = min(self.validation, key=lambda pair: pair[1])
        return f" (lowest {loss:.3g} after epoch {_short(epoch)})" if loss < self.validation[-1][1] else ""

    def lines(self, *, whole: bool) -> list[str]:
        """A line per epoch that is over; with `whole` the one that was broken off too."""
        losses = {round(epoch): loss for epoch, loss in self.validation}
        told = [f"before     {'':22} validation loss {losses[0]:<8.3g}"] if 0 in losses else []
        over = self._reached if not whole else float("inf")
        for number, (total, count, seconds) in sorted(self._rows.items()):
            if number > over + 5e-4 or (losses and not whole and number not in losses):
                continue
            until = min(float(number), self._reached)
            val = f"validation loss {losses[number]:<8.3g}" if number in losses else f"{'':24}"
            told.append(f"epoch {until:<4.3g} training loss {total / count:<8.3g} {val} {duration(seconds)}")
        return [line.rstrip() for line in told]


@contextmanager
def shown(view: TrainingView) -> Iterator[Callable[[list[TrainEvent]], None]]:
    """Show the view while the block runs; hand the function that it yields the new events.

    A notebook gets one output that is redrawn at most twice a second, and whose last state is saved with the notebook;
    a terminal gets a line as each epoch ends.
    """
    screen: _Notebook | _Terminal = _Notebook(view) if _in_notebook() else _Terminal(view)
    screen.draw()
    drawn = time.monotonic()

    def on_events(events: list[TrainEvent]) -> None:
        nonlocal drawn
        view.update(events)
        if time.monotonic() - drawn >= PAUSE:
            screen.draw()
            drawn = time.monotonic()

    try:
        yield on_events
    finally:
        view.settle()
        screen.draw(last=True)


class _Notebook:
    """One output cell, replaced in place."""

    def __init__(self, view: TrainingView) -> None:
        self.view = view
        self.handle: Any = None

    def draw(self, *, last: bool = False) -> None:
        from IPython.display import display

        if self.handle is None:
            self.handle = display(self.view, display_id=True)
        else:
            self.handle.update(self.view)


class _Terminal:
    """Lines that are only ever added; on a real terminal the last one is a status that is written over."""

    def __init__(self, view: TrainingView) -> None:
        self.view = view
        self.printed: set[str] = set()
        self.live = sys.stdout.isatty()
        self.wipe = "\r\x1b[K" if self.live else ""

    def draw(self, *, last: bool = False) -> None:
        head = [self.view.headline] if self.view.started is not None and not self.printed else []
        for line in [*head, *self.view.lines()]:
            if line not in self.printed:
                print(f"{self.wipe}{line}")
                self.printed.add(line)
        if last:
            print(self.wipe + "\n".join(self.view.last_lines()), flush=True)
        elif self.live:
            print(f"{self.wipe}{self.view.facts[:100]}", end="", flush=True)


def _in_notebook() -> bool:
    """Whether a frontend shows rich output: the shell of a kernel, not of a terminal."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 2 min 10 s, 1 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _short(number: Any) -> str:
    return f"{number:.3g}" if isinstance(number, int | float) else str(number or "")
