"""A run on the screen while it goes on, and as it stays in the saved notebook: HTML for notebooks, lines for the rest.

    view = TrainingView(run).show()
    run.wait(view.update)

Needs IPython only; the panel puts the same HTML into a widget.
"""

from __future__ import annotations

import shutil
import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any

from cypher_magic.training.events import EventReader, TrainEvent
from cypher_magic.widgets import samples
from cypher_magic.widgets.chart import Curves, chart
from cypher_magic.widgets.epochs import EpochTable, duration, short

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from cypher_magic.training.runs import Run

PAUSE = 0.5  # seconds between two drawings; more often is work for the browser and not seen
NOTES = 20  # notes that are kept
_START, _FIRST_LOOK = "starting the training process", "looking at the model before the first step"
_now = time.time
RESUMABLE = ("stopped", "failed", "died", "created")
ENDED = ("completed", "imported", *RESUMABLE)

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
        self.epochs = EpochTable()
        self.started: TrainEvent | None = None
        self.step: TrainEvent | None = None
        self.ended: TrainEvent | None = None
        self.stage: tuple[str, float] | None = (_START, _now())  # what goes on before a step, and since when
        self.notes: list[str] = []
        self.first_samples: list[Any] = []
        self.last_samples: list[Any] = []
        self._sampled_at = self._first_at = ""
        self._samples_html = ""
        self._screen: _Notebook | _Terminal | None = None
        self._behind = False  # something came in that is not drawn yet
        self._drawn, self._drawn_facts = 0.0, ""

    def show(self) -> TrainingView:
        """Show the view where the cell's output goes, and keep that up to date with `update`.

        A notebook gets one output that is redrawn at most twice a second, and whose last state is saved with the
        notebook; a terminal gets a line as each epoch ends.
        """
        self._screen = _Notebook(self) if in_notebook() else _Terminal(self)
        if not self.run.events:  # else the first update shows how it stands, not how it began
            self._draw()
        return self

    def update(self, events: Sequence[TrainEvent]) -> None:
        """Take in the events that are new, in order; without any, only a clock that goes on is drawn."""
        was_over = self.over
        self._behind = self._behind or bool(events)
        for event in events:
            self.curves.add(event)
            self.epochs.add(event)
            take = getattr(self, f"_on_{event.kind}", None)
            if take is not None:
                take(event)
        due = time.monotonic() - self._drawn >= PAUSE and (self._behind or self.facts != self._drawn_facts)
        if due or self.over > was_over:
            self._draw()

    def settle(self) -> None:
        """Ask the run folder what became of a run that ended without a last event; one that goes on is left.

        Nothing is drawn after this: what is printed next stands on a line of its own.
        """
        if self.over:
            return
        self.state = self.run.state
        self._draw()
        if isinstance(self._screen, _Terminal):
            self._screen.end_line()

    def _draw(self) -> None:
        if self._screen is not None:
            self._screen.draw(last=self.over)
        self._drawn, self._drawn_facts, self._behind = time.monotonic(), self.facts, False

    def _on_started(self, event: TrainEvent) -> None:
        self.started, self.ended, self.state = event, None, "running"
        self.stage = (_FIRST_LOOK, event.time)

    def _on_resumed(self, event: TrainEvent) -> None:
        self.ended, self.state, self.stage = None, "starting", (_START, event.time)

    def _on_queued(self, event: TrainEvent) -> None:
        self.state, self.stage = "queued", (str(event.get("message")), event.time)

    def _on_turn(self, event: TrainEvent) -> None:
        self.state, self.stage = "starting", (_START, event.time)

    def _on_stage(self, event: TrainEvent) -> None:
        self.stage = (str(event.get("message")), event.time)

    def _on_step(self, event: TrainEvent) -> None:
        self.step, self.stage = event, None

    def _on_noted(self, event: TrainEvent) -> None:
        self.notes = [*self.notes, samples.one_line(event.get("message"))][-NOTES:]

    def _on_sampled(self, event: TrainEvent) -> None:
        self.last_samples = [s for s in event.get("samples") or [] if isinstance(s, dict)]
        self._sampled_at = f"epoch {short(event.get('epoch'))}" if event.get("epoch") else "before"
        if not self.first_samples:
            self.first_samples, self._first_at = self.last_samples, self._sampled_at
        earlier = self.first_samples if self.first_samples is not self.last_samples else []
        self._samples_html = samples.table(earlier, self.last_samples, names=(self._first_at, self._sampled_at))

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
            parts += [f"{short(epochs)} epoch{'' if epochs == 1 else 's'}"] if epochs else []
        return samples.one_line(" · ".join(parts), 300)

    @property
    def facts(self) -> str:
        """One line, the most important first: what takes how long, place, time left (or taken), validation, speed."""
        got = (self.step or TrainEvent("step")).get
        parts = []
        if self.stage is not None and not self.over:
            parts += [samples.one_line(self.stage[0]), duration(_now() - self.stage[1])]
        if self.state == "queued":
            return " · ".join(parts)
        if self.step is not None:
            parts.append(f"epoch {got('epoch', 0):.2f}, step {got('step', 0):,} of {got('steps', 0):,}")
        if self.over and self.started is not None:
            parts.append(f"took {duration(self.epochs.seconds)}")
        elif self.stage is None and isinstance(got("eta_seconds"), int | float):
            parts.append(f"about {duration(got('eta_seconds'))} left")
        if self.epochs.validation:
            parts.append(f"validation loss {self.epochs.validation[-1][1]:.3g}{self.epochs.best()}")
        if self.epochs.right:
            parts.append(f"right rows {self.epochs.right[max(self.epochs.right)]:.0%}")
        parts += [f"{got('tokens_per_second'):,.0f} tokens/s"] if got("tokens_per_second") else []
        parts += [f"{got('memory_bytes') / 1e9:.1f} GB memory"] if got("memory_bytes") else []
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
            f'<div class="cm-bar" role="progressbar" aria-label="progress" aria-valuemin="0" '
            f'aria-valuemax="100" aria-valuenow="{100 * self.share:.0f}">'
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
        if answers:
            answers.insert(0, f"Validation questions ({samples.LEGEND}):")
        failure = [self._failure()] if self._failure() else []
        return [*answers, self.headline, *([self.facts] if self.facts else []), *failure]

    def _answers(self) -> str:
        if not self._samples_html:
            return ""
        count = len(self.last_samples)
        right = samples.score(self.last_samples)
        when = "before the training" if self._sampled_at == "before" else f"at {self._sampled_at}"
        title = f"{count} validation question{'s'[: count != 1]} {when}: {right} answered as wanted"
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


_STATES = {
    "queued": "waiting for its turn",
    "starting": "starting",
    "running": "training",
    "died": "its process is gone",
    "created": "its worker was never started",
}


def watch(view: TrainingView, until: threading.Event, draw: Callable[[TrainingView], None] | None = None) -> None:
    """Follow a run that goes on elsewhere, until it has ended or `until` is set; blocks, so call it in a thread.

    `draw` is called with the view whenever there is something new, if it is only a clock that went on.
    """
    reader = EventReader(view.run.folder / "events.jsonl")
    over, drawn = False, ""
    while not over and not until.is_set():
        alive = view.run.worker_alive()  # looked at before reading: what was written last is read too
        new = reader.new()
        view.update(new)
        over = view.over or not alive
        if over:
            view.settle()
        if draw is not None and (new or over or view.facts != drawn):
            drawn = view.facts
            draw(view)
        if not over:
            until.wait(PAUSE)


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
            self.live = False
            print(self.wipe + "\n".join(self.view.last_lines()), flush=True)
        elif self.live:
            room = shutil.get_terminal_size().columns - 1
            print(f"{self.wipe}{fitted(self.view.facts, room)}", end="", flush=True)

    def end_line(self) -> None:
        """Leave the status as it is, and go to the next line."""
        if self.live:
            print(flush=True)


def fitted(facts: str, room: int) -> str:
    """As many of the facts, from the first on, as there is room for; a first one that is too long is cut."""
    if len(facts) <= room:
        return facts
    end = facts.rfind(" · ", 0, room + 1)
    return facts[:end] if end > 0 else facts[: max(0, room - 1)] + "…"


def in_notebook() -> bool:
    """Whether a frontend shows rich output: the shell of a kernel, not of a terminal."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
