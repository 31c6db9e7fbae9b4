"""The training panel: examples, backbone and settings, dry run, start, stop, resume, live chart, and a question."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import OptionError, TrainingError
from cypher_magic.widgets.ask import AskBox, told
from cypher_magic.widgets.data import DataChooser
from cypher_magic.widgets.folds import Folds
from cypher_magic.widgets.memory_bar import MemoryBar, found
from cypher_magic.widgets.panel import LABEL, Panel, graph_line, heading, row
from cypher_magic.widgets.progress import ENDED, TrainingView, watch
from cypher_magic.widgets.settings import SettingsForm

if TYPE_CHECKING:
    from cypher_magic.training.runs import Run


RESUMABLE = tuple(state for state in ENDED if state != "completed")


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
        self.ask = AskBox(self.status)
        self.name = widgets.Text(
            value=name,
            description="Name",
            tooltip="name of the run; an earlier run of this name is kept under another",
            layout=widgets.Layout(width="19em"),
            style=LABEL,
        )
        self.start = widgets.Button(
            description="Start", tooltip="fine-tune on these examples", button_style="primary", icon="play"
        )
        self.stop = widgets.Button(
            description="Stop", tooltip="stop after this step and keep the adapter", icon="stop", disabled=True
        )
        self.dry_run = widgets.Button(
            description="Dry run", tooltip="start nothing: show tokens, memory, time and the first example", icon="eye"
        )
        self.resume = widgets.Button(
            description="Resume", tooltip="go on with the run that is shown", icon="forward", disabled=True
        )
        for button in (self.start, self.dry_run, self.stop, self.resume):
            button.layout.width = "8em"
        self.run = widgets.Dropdown(
            description="Run", tooltip="the run whose chart is shown", layout=widgets.Layout(width="20em")
        )
        self.graph = widgets.HTML()
        self.live = widgets.HTML(layout=widgets.Layout(width="100%", overflow="visible"))
        self.folds = Folds()
        self.view: TrainingView | None = None
        self._displayed = False
        self._cancelled = threading.Event()
        self._watching = threading.Event()  # set: the watcher of the run that is shown stops watching
        self._lock = threading.RLock()  # buttons, watchers and starting all change what is shown
        self._kept: Any = None  # the output below the panel that is saved with the notebook
        self._connect_buttons()
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
        self.status.guarded(self.refresh)()
        self._attach_to_what_goes_on()

    def _connect_buttons(self) -> None:
        guarded = self.status.guarded
        self.data.check.on_click(guarded(self._check))
        self.start.on_click(guarded(self._start))
        self.dry_run.on_click(guarded(self._dry_run))
        self.stop.on_click(guarded(self._stop))
        self.resume.on_click(guarded(self._resume))
        self.run.observe(guarded(self._choose), "value")
        for button in (self.data.check, self.ask.button):  # a graph may have been connected since
            button.on_click(guarded(self.refresh))

    def refresh(self) -> None:
        """Look again at which graph is connected and which runs there are."""
        from cypher_magic import session

        self.graph.value = graph_line()
        names = [run.name for run in session.runs()]
        with self._lock:
            shown = self.view.run.name if self.view is not None else ""
            self.run.options = ["", *names]
            self.run.value = shown if shown in names else ""
            self.ask.offer(names)
        self.folds.refresh()

    def show(self, run: Run) -> None:
        """Show this run, and follow it when it is still going on."""
        with self._lock:
            self._watching.set()
            view, until = TrainingView(run), threading.Event()
            self.view, self._watching = view, until
            self.folds.run = run
            self.live.value = view.html
            self.stop.disabled = not run.worker_alive()
            self.resume.disabled = True
        self.refresh()
        self.status.background(lambda: watch(view, until, self._draw))

    def _draw(self, view: TrainingView) -> None:
        if id(view) != id(self.view):  # another run is shown by now
            return
        self.live.value = view.html
        self.stop.disabled = view.over or not view.run.worker_alive()
        self.resume.disabled = view.state not in RESUMABLE
        self.folds.follow()
        if view.over:
            self.status.say(f"run {view.run.name}: {view.state}")
            if self._kept is not None:
                self._kept.update(_Summary(view))
            self.refresh()

    def _choose(self) -> None:
        from cypher_magic.training.runs import find_run

        if self.run.value and (self.view is None or self.view.run.name != self.run.value):
            self.show(find_run(self.run.value))

    def _attach_to_what_goes_on(self) -> None:
        from cypher_magic import session

        for run in session.runs():
            if run.worker_alive():
                self.show(run)
                return

    def _check(self) -> None:
        self.status.say("reading the examples")
        self.status.background(self._read, self.data.check, self.start)

    def _read(self) -> None:
        dataset = self.data.read_again()
        self.status.say(f"{len(dataset.train)} training and {len(dataset.val)} validation examples")

    def _start(self) -> None:
        name, settings = self.name.value.strip(), self.settings.values
        if not name:
            raise OptionError("The run needs a name.", hint="write one into the box Name")
        if self.view is not None and self.view.run.worker_alive() and not self.view.over:
            raise OptionError(f"Run {self.view.run.name} is still going on.", hint="wait for its end, or stop it")
        self._cancelled.clear()
        self.stop.disabled = False
        self.status.say("reading the examples")
        self.status.background(lambda: self._finetune(name, settings), self.start, self.data.check)

    def _dry_run(self) -> None:
        name, settings = self.name.value.strip() or "my-run", self.settings.values
        self.status.say("reading the examples")
        self.status.background(lambda: self._look_ahead(name, settings), self.start, self.dry_run, self.data.check)

    def _look_ahead(self, name: str, settings: dict[str, Any]) -> None:
        from cypher_magic import session

        def tell(what: str, done: int, total: int) -> None:
            self.status.say(told(what, done, total))

        dataset = self.data.dataset()
        self.status.say("counting tokens and timing a step")
        run = session.finetune(name, dataset, dry_run=True, display=False, progress=tell, **settings)
        self.memory.show(found(run))
        self.folds.show_dry_run(run)
        self.status.say("nothing was started or written")

    def _resume(self) -> None:
        if self.view is None:
            raise OptionError("No run is shown.", hint="choose one under Run")
        run = self.view.run
        self.status.say(f"going on with {run.name}")
        self.status.background(lambda: self._go_on(run), self.start, self.resume)

    def _go_on(self, run: Run) -> None:
        from cypher_magic import session

        self.show(session.resume_run(run.name))
        self.status.say(f"run {run.name} goes on from its last checkpoint")

    def _settings_changed(self) -> None:
        if self._displayed:  # a panel that is only made loads no PyTorch
            self.memory.look()

    def _finetune(self, name: str, settings: dict[str, Any]) -> None:
        from cypher_magic import session

        try:
            dataset = self.data.dataset()
            self._progress("preparing", 0, 0)
            run = session.finetune(name, dataset, background=True, display=False, progress=self._progress, **settings)
        except Exception:
            self.stop.disabled = self.view is None or self.view.over
            raise
        if self._cancelled.is_set():
            run.stop()
        kept = run.card.get("earlier_run")
        earlier = f"; the earlier one is kept as {kept}" if kept else ""
        self.status.say(f"run {name} started; it goes on when this notebook is closed{earlier}")
        self.show(run)

    def _progress(self, what: str, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise TrainingError("Stopped before the training began.")
        self.status.say(told(what, done, total))

    def _stop(self) -> None:
        self._cancelled.set()
        if self.view is not None and not self.view.over:
            self.view.run.stop()
        self.stop.disabled = True
        self.status.say("stopping after this step; the adapter is kept")

    def close(self) -> None:
        """Take the panel away; a run that goes on is not touched."""
        self._watching.set()
        super().close()

    def __repr__(self) -> str:
        return f"TrainPanel: {self.view.headline}" if self.view is not None else "TrainPanel"

    def shown(self) -> None:
        """Look at the device now; what the notebook keeps comes below."""
        from IPython.display import display

        self._displayed = True
        ended = self.view is not None and self.view.over
        if self.view is None or ended:  # loading PyTorch would take its time from a run that goes on
            self.memory.look()
        self._kept = display(_Summary(self.view if ended else None), display_id=True)


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
