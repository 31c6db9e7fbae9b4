"""The training panel: examples, backbone and settings, dry run, start, stop, resume, live chart, and a question."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import OptionError
from cypher_magic.widgets.ask import AskBox
from cypher_magic.widgets.data import DataChooser
from cypher_magic.widgets.folds import Folds
from cypher_magic.widgets.memory_bar import MemoryBar, found
from cypher_magic.widgets.panel import LABEL, Panel, graph_line, heading, row
from cypher_magic.widgets.progress import RESUMABLE, TrainingView, watch
from cypher_magic.widgets.settings import SettingsForm
from cypher_magic.widgets.work import Work

if TYPE_CHECKING:
    from cypher_magic.training.runs import Run


class TrainPanel(Panel):
    """Fine-tune with the mouse; it calls `load_examples`, `finetune`, `resume_run`, `ask` and `Run.stop`, no more.

    `data` and `val` are what `load_examples` takes, `name` is that of the run, `settings` are training settings. A run
    that is going on is watched as soon as the panel opens, also after the kernel was restarted.
    """

    kind = "train"

    def __init__(self, data: Any = None, val: Any = None, *, name: str = "my-run", **settings: Any) -> None:
        super().__init__()
        self.data = DataChooser(data, val)
        self.settings = SettingsForm(settings, self._settings_changed)
        self.memory = MemoryBar(lambda: self.settings.settings)
        self._look_again = self.status.guarded(self.refresh)  # a graph may have been connected since
        self.ask = AskBox(Work(self.status, self.set_buttons), before=self._look_again)
        self.name = widgets.Text(
            value=name,
            continuous_update=False,
            description="Name",
            tooltip="name of the run; an earlier run of this name is kept under another",
            layout=widgets.Layout(width="19em"),
            style=LABEL,
        )
        self.start = self.button("Start", "fine-tune on these examples", "play", self._start, main=True)
        self.stop = self.button("Stop", "stop after this step and keep the adapter", "stop", self._stop)
        self.dry_run = self.button(
            "Dry run", "start nothing: show tokens, memory, time and the first example", "eye", self._dry_run
        )
        self.resume = self.button("Resume", "go on with the run that is shown", "forward", self._resume)
        self.run = widgets.Dropdown(
            description="Run", tooltip="the run whose chart is shown", layout=widgets.Layout(width="20em")
        )
        self.graph = widgets.HTML()
        self.live = widgets.HTML(layout=widgets.Layout(width="100%", overflow="visible"))
        self.folds = Folds(self.status)
        self.view: TrainingView | None = None
        self._displayed = False
        self._made = ""  # when the run that is shown was made
        self._stopping: TrainingView | None = None  # the one that was asked to stop
        self._filling = False  # the list of runs is being filled: nobody chose one
        self._watching = threading.Event()  # set: the watcher of the run that is shown stops watching
        self._lock = threading.RLock()  # buttons, watchers and starting all change what is shown
        self._kept: Any = None  # the output below the panel that is saved with the notebook
        self.data.check.on_click(self.status.guarded(self._check))
        self.run.observe(self.status.guarded(self._choose), "value")
        self.set_buttons()
        self.children = (
            self.graph,
            heading("Examples"),
            self.data,
            heading("Model"),
            self.settings,
            self.memory,
            heading("Training"),
            row(self.name, self.run),
            row(self.dry_run, self.start, self.stop, self.resume),
            self.status,
            self.live,
            self.folds,
            heading("Ask"),
            self.ask,
        )
        self._look_again()
        self._attach_to_what_goes_on()

    def set_buttons(self) -> None:
        """One thing at a time; what can be done with the run that is shown depends on how it stands."""
        busy, view = self.work.running, self.view
        for button in (self.start, self.dry_run, self.data.check):
            button.disabled = busy
        goes_on = view is not None and not view.over and view is not self._stopping
        self.stop.disabled = self.work.cancelled if busy else not goes_on
        self.resume.disabled = busy or view is None or view.state not in RESUMABLE
        self.ask.set_buttons()

    def refresh(self) -> None:
        """Look again at which graph is connected, which runs there are, and whether the one shown is another by now."""
        self.graph.value = graph_line()
        with self._lock:
            runs = self.ask.offer()
            names = [run.name for run in runs]
            self.settings.offer(runs)
            shown = self.view.run.name if self.view is not None else ""
            self._filling = True
            self.run.options = ["", *names]
            self.run.value = shown if shown in names else ""
            self._filling = False
        self.folds.refresh()
        view = self.view
        if view is not None and shown in names:
            again = view.over and view.run.state in ("queued", "running")  # it was resumed elsewhere
            if again or _made(view.run) != self._made:  # or another has its name
                self.show(view.run)

    def show(self, run: Run) -> None:
        """Show this run, and follow it when it is still going on."""
        if self.work.closed:
            return
        with self._lock:
            self._watching.set()
            view, until = TrainingView(run), threading.Event()
            self.view, self._watching, self._made = view, until, _made(run)
            self.folds.run = run
            self.live.value = view.html
            self.set_buttons()
        self.refresh()
        self.status.background(lambda: watch(view, until, self._draw))

    def _draw(self, view: TrainingView) -> None:
        if id(view) != id(self.view) or self.work.closed:  # another run is shown by now
            return
        self.set_buttons()
        self.live.value = view.html
        self.folds.follow()
        if view.over:
            self.status.say(f"run {view.run.name}: {view.state}")
            if self._kept is not None:
                self._kept.update(_Summary(view))
            self.refresh()

    def _choose(self) -> None:
        from cypher_magic.training.runs import find_run

        with self._lock:
            if self.run.value and not self._filling:
                self.show(find_run(self.run.value))

    def _attach_to_what_goes_on(self) -> None:
        from cypher_magic import session

        for run in session.runs():
            if run.worker_alive():
                self.show(run)
                return

    def _check(self) -> None:
        self._look_again()
        self.work.start(self._read, "reading the examples")

    def _read(self) -> None:
        dataset = self.data.read_again()
        self.status.say(f"{len(dataset.train)} training and {len(dataset.val)} validation examples")

    def _start(self) -> None:
        name, settings = self.name.value.strip(), self.settings.values
        if not name:
            raise OptionError("The run needs a name.", hint="write one into the box Name")
        if self.view is not None and self.view.run.worker_alive() and not self.view.over:
            raise OptionError(f"Run {self.view.run.name} is still going on.", hint="wait for its end, or stop it")
        self.work.start(
            lambda: self._finetune(name, settings),
            "reading the examples",
            ending="stopping before the training begins",
            cancelled="Stopped before the training began.",
        )

    def _finetune(self, name: str, settings: dict[str, Any]) -> None:
        from cypher_magic import session

        dataset, progress = self.data.dataset(), self.work.progress
        progress("preparing", 0, 0)
        run = session.finetune(name, dataset, background=True, display=False, progress=progress, **settings)
        kept = run.card.get("earlier_run")
        earlier = f"; the earlier one is kept as {kept}" if kept else ""
        self._began(run, f"run {name} started; it goes on when this notebook is closed{earlier}")

    def _began(self, run: Run, saying: str) -> None:
        if self.work.cancelled:
            run.stop()
        else:
            self.status.say(saying)
        self.show(run)

    def _dry_run(self) -> None:
        name, settings = self.name.value.strip() or "my-run", self.settings.values
        self.work.start(
            lambda: self._look_ahead(name, settings),
            "reading the examples",
            ending="the dry run ends at its next step",
            cancelled="The dry run was stopped.",
        )

    def _look_ahead(self, name: str, settings: dict[str, Any]) -> None:
        from cypher_magic import session

        dataset, progress = self.data.dataset(), self.work.progress
        progress("counting tokens and timing a step", 0, 0)
        run = session.finetune(name, dataset, dry_run=True, display=False, progress=progress, **settings)
        self.memory.show(found(run))
        self.folds.show_dry_run(run)
        self.status.say("nothing was started or written")

    def _resume(self) -> None:
        if self.view is None:
            raise OptionError("No run is shown.", hint="choose one under Run")
        run = self.view.run
        self.work.start(lambda: self._go_on(run), f"going on with {run.name}")

    def _go_on(self, run: Run) -> None:
        from cypher_magic import session

        self._began(session.resume_run(run.name), f"run {run.name} goes on from its last checkpoint")

    def _stop(self) -> None:
        view = self.view
        if self.work.running:
            self.work.cancel()
        elif view is not None and not view.over:
            view.run.stop()
            self._stopping = view
            self.status.say("stopping after this step; the adapter is kept")
            self.set_buttons()

    def _settings_changed(self) -> None:
        if self._displayed:  # a panel that is only made loads no PyTorch
            self.memory.look()

    def close(self) -> None:
        """Take the panel away; a run that goes on is not touched, one that is only prepared does not begin."""
        self._watching.set()
        super().close()

    def __repr__(self) -> str:
        return f"TrainPanel: {self.view.headline}" if self.view is not None else "TrainPanel"

    def shown(self, kept: Any = None) -> None:
        """Look at the device now; what the notebook keeps comes below, or in `kept`, an output that is there."""
        from IPython.display import display

        self._displayed = True
        ended = self.view is not None and self.view.over
        if self.view is None or ended:  # loading PyTorch would take its time from a run that goes on
            self.memory.look()
        self._kept = kept or display(_Summary(self.view if ended else None), display_id=True)


def _made(run: Run) -> str:
    """When the run was made, as its card says; empty when that can not be read."""
    try:
        return str(run.card.get("created", ""))
    except (OSError, ValueError):
        return ""


class _Summary:
    """The panel's last run below it, folded: a saved notebook keeps this output, the panel's own state it may not."""

    def __init__(self, view: TrainingView | None) -> None:
        self.view = view

    def _repr_html_(self) -> str:
        if self.view is None:
            return "<span></span>"
        return f"<details><summary>{escape(self.view.headline)}</summary>{self.view.html}</details>"

    def __repr__(self) -> str:
        return self.view.text if self.view is not None else ""
