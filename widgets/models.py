"""The models panel: runs and imported models, two of them compared, predictions, export and import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.errors import OptionError
from cypher_magic.evaluation.saved import ORDERS, ranked
from cypher_magic.training.run_table import UNREADABLE
from cypher_magic.widgets import model_tables as tables
from cypher_magic.widgets.moving import Moving
from cypher_magic.widgets.panel import LABEL, STYLE, WorkingPanel, heading, row, visible, wide
from cypher_magic.widgets.progress import RESUMABLE

if TYPE_CHECKING:
    from cypher_magic.session.comparing import ModelComparison

_UNTUNED = ("starter", "base")


class ModelsPanel(WorkingPanel):
    """Look at models, compare two, take one along or bring one in; everything it does is a call of a session function.

    What takes long runs in a thread, one thing at a time, and Cancel ends it at its next step.
    """

    kind = "models"

    def __init__(self) -> None:
        super().__init__()
        self.found: ModelComparison | None = None
        self._states: dict[str, str] = {}
        self._seed = 0
        self.table = widgets.HTML(layout=widgets.Layout(width="100%", overflow="auto", max_height="22em"))
        self._make_actions()
        self._make_comparing()
        self._make_predictions()
        self.moving = Moving(self)
        top, compared, shown, moved = (widgets.VBox() for _ in range(4))  # where it says what goes on
        self.near(top, self.use, self.resume, self.stop, self.remove, self.again, self.sure, self.keep)
        self.near(compared, self.compare, self.evaluate)
        self.near(shown, self.predict)
        self.near(moved, self.moving.export, self.moving.bring)
        self.say_at(top)
        self.children = [
            heading("Models", STYLE),
            self.table,
            row(self.model, self.use, self.resume, self.stop, self.remove, self.again),
            self.confirm,
            top,
            heading("Compare"),
            row(self.first, self.second, self.compare),
            row(self.examples, self.most, self.evaluate),
            compared,
            self.comparison,
            self.outcome,
            self.duels,
            heading("Predictions"),
            row(self.order, self.count, self.predict),
            shown,
            self.predictions,
            heading("Export and import"),
            self.moving,
            moved,
        ]
        self.status.guarded(self.refresh)()

    # What there is

    def _make_actions(self) -> None:
        self.model = widgets.Dropdown(
            description="Model", tooltip="the model for the buttons beside and below", layout=wide("22em"), style=LABEL
        )
        self.use = self.button("Use", "let this model answer questions", "comment", self._use)
        self.resume = self.button("Resume", "let a stopped run go on", "play", self._resume)
        self.stop = self.button("Stop", "stop after this step and keep the adapter", "stop", self._stop)
        self.remove = self.button("Remove", "delete this model's folder", "trash", self._ask_removing)
        self.again = self.button("Refresh", "look again at what there is", "refresh", self.refresh)
        self.sure = self.button("Yes, remove it", "delete the folder for good", "trash", self._remove)
        self.keep = self.button("Keep it", "leave everything as it is", "ban", self._keep)
        self.question = widgets.HTML()
        self.confirm = row(self.question, self.sure, self.keep)
        visible(self.confirm, False)
        self.model.observe(self.status.guarded(self._chosen), "value")

    def refresh(self) -> None:
        """Look again at which models there are."""
        from cypher_magic import session

        rows = session.model_rows()
        self.table.value = tables.models(rows)
        self._states = {r.name: r.state for r in rows}
        readable = [r.name for r in rows if r.state != UNREADABLE]
        _offer(self.model, list(self._states))
        _offer(self.second, readable)
        _offer(self.first, [*readable, *_UNTUNED])
        if self.first.value == self.second.value:
            self.first.value = next(name for name in (*readable, *_UNTUNED) if name != self.second.value)
        self._chosen()

    def _chosen(self) -> None:
        visible(self.confirm, False)
        self.set_buttons()

    def set_buttons(self) -> None:
        """One thing at a time; what can be done with the chosen model depends on its state."""
        super().set_buttons()
        busy, state = self.work.running, self._states.get(self.model.value or "", "")
        readable, goes_on = state not in ("", UNREADABLE), state in ("running", "queued")
        for button in (self.use, self.predict):
            button.disabled = not readable
        self.moving.export.disabled = busy or not readable
        self.moving.bring.disabled = busy
        for button in (self.compare, self.evaluate):
            button.disabled = busy or not self.second.value
        self.remove.disabled = self.sure.disabled = busy or not state or goes_on
        self.stop.disabled = not goes_on
        self.resume.disabled = busy or state not in RESUMABLE

    def chosen(self) -> str:
        """The name of the chosen model; OptionError when there is none."""
        if not self.model.value:
            raise OptionError("There is no model yet.", hint="train one, or import one below")
        return str(self.model.value)

    def _use(self) -> None:
        from cypher_magic import session

        name = session.use_run(self.chosen())
        self.refresh()
        self.status.say(f"{name} answers from now on")

    def _resume(self) -> None:
        name = self.chosen()
        self.work.start(lambda: self._resumed(name), f"going on with {name}")

    def _resumed(self, name: str) -> None:
        from cypher_magic import session

        session.resume_run(name)
        self.refresh()
        self.status.say(f"run {name} goes on; the train panel shows it live")

    def _stop(self) -> None:
        from cypher_magic.training.runs import find_run

        run = find_run(self.chosen())
        run.stop()
        self.stop.disabled = True
        self.status.say(f"run {run.name} stops after this step; its adapter is kept")

    def _ask_removing(self) -> None:
        self.question.value = f"<b>Remove {tables.escape(self.chosen())} and all its files?</b>"
        visible(self.confirm, True)
        self.keep.focus()

    def _keep(self) -> None:
        visible(self.confirm, False)
        self.status.say("nothing was removed")

    def _remove(self) -> None:
        name = self.chosen()
        self.work.start(lambda: self._removed(name), f"removing {name}")

    def _removed(self, name: str) -> None:
        from cypher_magic import session

        said = session.remove_run(name)
        self.predictions.value = ""
        self.refresh()
        self.status.say(said)

    # Two of them

    def _make_comparing(self) -> None:
        self.first = widgets.Dropdown(
            description="Compare", tooltip="the one to compare with", layout=wide("22em"), style=LABEL
        )
        self.second = widgets.Dropdown(description="with", tooltip="the one that is judged", layout=wide("22em"))
        self.compare = self.button(
            "Compare", "settings, scores, question by question", "columns", self._set_beside, main=True
        )
        self.examples = widgets.Text(
            description="Examples",
            continuous_update=False,
            placeholder="validation rows of the second",
            tooltip="a file with held-out examples; empty: the validation rows of the second model",
            layout=wide("28em"),
            style=LABEL,
        )
        self.most = widgets.BoundedIntText(
            value=60,
            min=1,
            max=100_000,
            description="at most",
            tooltip="how many questions are drawn from them",
            layout=widgets.Layout(width="12em"),
        )
        self.evaluate = self.button(
            "Evaluate both",
            "ask both models these questions, then compare; takes a while",
            "balance-scale",
            self._evaluate,
        )
        self.comparison = widgets.HTML()
        self.outcome = widgets.Dropdown(
            description="Questions", tooltip="which questions to show", layout=widgets.Layout(width="32em"), style=LABEL
        )
        self.duels = widgets.HTML(layout=widgets.Layout(max_height="26em", overflow="auto"))
        visible(self.outcome, False)
        self.outcome.observe(self.status.guarded(self._show_duels), "value")

    def _set_beside(self) -> None:
        first, second = str(self.first.value), str(self.second.value)
        self.work.start(lambda: self._compared(first, second), "comparing")

    def _compared(self, first: str, second: str) -> None:
        from cypher_magic import session
        from cypher_magic.session.comparing import outcomes

        self.found = None  # so that filling the choice draws nothing of the comparison before
        found = session.compare_models(first, second)
        self.comparison.value = tables.comparison(found)
        self.outcome.options = outcomes(found)
        self.outcome.value = next((name for _, name in outcomes(found) if found.of(name)), "second")
        self.found = found
        visible(self.outcome, bool(found.duels))
        self._show_duels()
        self.status.say(f"{found.second} beside {found.first}")

    def _show_duels(self) -> None:
        found = self.found
        if found is None:
            return
        shown = found.of(self.outcome.value) if found.duels else []
        self.duels.value = tables.duels(shown, found.first, found.second, self.count.value) if found.duels else ""

    def _evaluate(self) -> None:
        first, second, data = str(self.first.value), str(self.second.value), self.examples.value.strip() or None
        if first == second:
            raise OptionError("A model can not be compared with itself.", hint="choose another one")
        most = self.most.value
        self.work.start(lambda: self._evaluated(first, second, data, most), "evaluating")

    def _evaluated(self, first: str, second: str, data: str | None, most: int) -> None:
        from cypher_magic import session

        session.evaluate(second, data, against=first, limit=most, progress=self.work.progress)
        self.refresh()
        self._compared(first, second)

    # Question by question

    def _make_predictions(self) -> None:
        self.order = widgets.Dropdown(
            options=[(text, name) for name, text in ORDERS.items()],
            description="Order",
            tooltip="in which order the predictions of the chosen model are shown",
            layout=wide("22em"),
            style=LABEL,
        )
        self.count = widgets.BoundedIntText(
            value=10, min=1, max=100, description="Show", tooltip="how many", layout=widgets.Layout(width="12em")
        )
        self.predict = self.button("Show", "the predictions of the model's last evaluation", "table", self._predict)
        self.predictions = widgets.HTML(layout=widgets.Layout(max_height="30em", overflow="auto"))
        self.order.observe(self.status.guarded(self._reorder), "value")

    def _reorder(self) -> None:
        if self.predictions.value:
            self._predict()

    def _predict(self) -> None:
        from cypher_magic import session

        name = self.chosen()
        report = session.saved_report(name)
        self._seed += 1  # each press draws others
        found = ranked(report.predictions, self.order.value, seed=self._seed)
        self.predictions.value = tables.predictions(found, name, self.count.value)
        right = sum(tables.answered(p) for p in found)
        self.status.say(f"{name}: {right} of {len(found)} right, {ORDERS[self.order.value]}; {report.data}")


def _offer(choice: widgets.Dropdown, names: list[str]) -> None:
    """Let these names be chosen; what is chosen stays chosen while it is there."""
    chosen = choice.value
    choice.options = names
    choice.value = chosen if chosen in names else next(iter(names), None)
