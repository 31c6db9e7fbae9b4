"""The review queue as a panel: question, query and its rows; accept, edit, reject, undo, with the mouse or one key."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.asking.highlight import highlighted
from cypher_magic.errors import CypherMagicError, OptionError
from cypher_magic.widgets.data import FilePicker
from cypher_magic.widgets.panel import LABEL, WorkingPanel, graph_line, is_visible, on_enter, row, visible
from cypher_magic.widgets.review_card import card, listed, progress
from cypher_magic.widgets.samples import clean
from cypher_magic.widgets.status import faint, roomy
from cypher_magic.widgets.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.review import Review

_SHOWN_ROWS = 20


class ReviewPanel(WorkingPanel):
    """Go through examples one by one, the most doubtful first; everything it does is a call of `review`.

    `data` and `options` are what `cypher_magic.review` takes, or `data` is a `Review`. Decisions are kept at once, so
    that the panel may be closed at any time. The box `Key` takes one letter and acts at once: no mouse is needed.
    `embedded` leaves out what opens and saves a file: another panel has.
    """

    kind = "review"

    def __init__(self, data: Any = None, *, embedded: bool = False, **options: Any) -> None:
        super().__init__()
        self.queue: Review | None = None
        self._options = options
        self._wanted = 0  # counts what was shown: rows that come late belong to another example
        self._looker: threading.Thread | None = None  # one at a time: the graph is not asked for what was skipped
        self._lock = threading.Lock()
        self.graph = widgets.HTML()
        self.file = FilePicker("Examples", None if _is_review(data) else data)
        self.begin = self.button(
            "Open", "read the examples and go on where the review was left", "folder-open", self._open
        )
        self.how_far = widgets.HTML()
        self.card = widgets.HTML(layout=widgets.Layout(flex="1 1 24em", width="auto"))
        self.rows = widgets.HTML(
            layout=widgets.Layout(flex="1 1 20em", width="auto", overflow="auto", max_height="24em")
        )
        self.key = widgets.Text(
            description="Key",
            placeholder="a e r u n",
            tooltip="one letter acts at once: a accept, e edit, r reject, u undo, n later",
            layout=widgets.Layout(width="16em"),
            style=LABEL,
        )
        self.reason = widgets.Text(
            description="Reason",
            placeholder="kept with a rejection",
            tooltip="why the next example is rejected",
            continuous_update=False,
            layout=widgets.Layout(flex="1 1 16em", width="auto", max_width="30em"),
        )
        self._make_buttons()
        self._make_form()
        self._make_saving()
        keys = widgets.HTML(faint("a accept · e edit · r reject · u undo · n later"))
        self.desk = widgets.VBox(
            [self.how_far, row(self.card, self.rows), self.form, self.deciding, row(self.key, keys), self.saving]
        )
        visible(self.saving, not embedded)
        visible(self.desk, False)
        self.model = widgets.Dropdown(
            options=[("no model", "")],
            description="Doubted by",
            tooltip="a model that is asked each question first: what it answers otherwise comes first; takes a while",
            layout=widgets.Layout(width="22em"),
            style=LABEL,
        )
        opening = widgets.VBox([self.graph, row(self.file), row(self.model, self.begin)])
        visible(opening, not embedded)
        self.children = [opening, self.state, self.desk]
        self.key.observe(self.status.guarded(self._pressed), "value")
        for box, work in (
            (self.file.path, self._open),
            (self.question, self._take),
            (self.target, self._save),
        ):
            on_enter(box, self.status.guarded(work))
        self.status.guarded(self._start(data))()

    def _make_buttons(self) -> None:
        self.accept = self.button("Accept", "take it as it is (a)", "check", self._accept, main=True)
        self.edit = self.button("Edit", "change question or query, then take it (e)", "pencil", self._edit)
        self.reject = self.button("Reject", "leave it out (r)", "times", self._reject)
        self.undo = self.button("Undo", "take the last decision back (u)", "undo", self._undo)
        self.later = self.button("Later", "go on to the next without a decision (n)", "forward", self._later)
        self.deciding = row(self.accept, self.edit, self.reject, self.undo, self.later, self.reason)

    def _make_form(self) -> None:
        wide = widgets.Layout(width="auto")
        self.question = widgets.Text(description="Question", layout=wide, style=LABEL, tooltip="Enter takes the edit")
        self.query = widgets.Textarea(description="Query", layout=wide, style=LABEL, rows=4)
        self.against = widgets.HTML()
        self.anyway = widgets.Checkbox(
            description="take it although the graph does not seem to have these names",
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self.take = self.button("Take", "check the edit, take it and go on", "check", self._take, main=True)
        self.leave = self.button("Cancel", "leave it as it was", "ban", self._leave)
        self.query.observe(self.status.guarded(self._typed), "value")
        buttons = row(self.take, self.leave, self.anyway)
        self.form = widgets.VBox([self.question, self.query, self.against, buttons])
        visible(self.form, False)

    def _make_saving(self) -> None:
        self.target = Target(
            "Accepted",
            "accepted.jsonl",
            "the file that the accepted examples are written to: .jsonl, or .csv",
        )
        self.save = self.button("Save as", "write the accepted and edited examples to this file", "save", self._save)
        self.saving = row(self.target, self.target.replace, self.save)

    # Opening

    def _start(self, data: Any) -> Callable[[], None]:
        def start() -> None:
            from cypher_magic import session

            self.graph.value = graph_line()
            names = [r.name for r in session.model_rows() if r.state in ("completed", "stopped", "imported")]
            wanted = self._options.pop("model", "")
            others = [wanted] if wanted not in ("", "starter", *names) else []  # the address of a server
            choices = [(name, name) for name in (*names, *others)]
            self.model.options = [("no model", ""), *choices, ("the starter", "starter")]
            self.model.value = wanted
            if _is_review(data):
                self.show(data)
            elif data is not None:
                self._open()

        return start

    def _open(self) -> None:
        source = self.file.source
        if source is None:
            raise OptionError("There are no examples.", hint="give a path, or upload a file")
        self.graph.value = graph_line()
        model = self.model.value or None
        self.work.start(lambda: self._read(source, model), "reading the examples")

    def _read(self, source: Any, model: str | None) -> None:
        from cypher_magic import session

        queue = session.review(source, model=model, progress=self.work.progress, **self._options)
        self.work.check()
        self.show(queue)

    def set_buttons(self) -> None:
        """Open can be pressed when nothing goes on."""
        super().set_buttons()
        self.begin.disabled = self.work.running

    def show(self, queue: Review) -> None:
        """Show this queue, where it was left."""
        self.queue = queue
        kept = (
            f"decisions are kept in {queue.path}" if queue.path else "decisions are not kept: give a file by its path"
        )
        self.status.say(kept)
        if queue.path is not None:
            name = queue.path.name.removesuffix(".jsonl").removesuffix(".review")
            self.target.value = str(queue.path.with_name(f"{name}.accepted.jsonl"))
        visible(self.desk, True)
        self._draw()

    # Deciding

    def _open_queue(self) -> Review:
        if self.queue is None:
            raise OptionError("No examples are open.", hint="give a path, or upload a file, and press Open")
        return self.queue

    def _accept(self) -> None:
        self._open_queue().accept()
        self._draw("accepted")

    def _reject(self) -> None:
        self._open_queue().reject(self.reason.value)
        self.reason.value = ""
        self._draw("rejected")

    def _undo(self) -> None:
        self._open_queue().undo()
        self._draw("the last decision is taken back")

    def _later(self) -> None:
        self._open_queue().next()
        self._draw("left for later")

    def _edit(self) -> None:
        shown = self._open_queue().shown()
        if shown is None:
            raise OptionError("All examples are decided.", hint="undo takes the last decision back")
        self.question.value, self.query.value, self.anyway.value = shown.question, shown.query, False
        self._editing(True)
        self._typed()
        self.query.focus()

    def _take(self) -> None:
        against = self._open_queue().edit(self.query.value, self.question.value, anyway=self.anyway.value)
        if against:
            self.against.value = listed(against)
            raise OptionError("The edit is not taken.", hint="see what is against it, above")
        self._draw("edited and accepted")
        self.key.focus()

    def _leave(self) -> None:
        self._draw("left as it was")
        self.key.focus()

    def _pressed(self) -> None:
        """Act on the letter typed last; what is typed faster than it can be shown must not decide unseen examples."""
        letter = self.key.value.strip()[-1:].lower()
        if not letter:
            return
        self.key.value = ""
        if is_visible(self.form):
            raise OptionError("The edit is open.", hint="Take or Cancel it first")
        work = {"a": self._accept, "e": self._edit, "r": self._reject, "u": self._undo, "n": self._later}.get(letter)
        if work is None:
            raise OptionError(f"There is no key {letter}.", hint="a accept, e edit, r reject, u undo, n later")
        work()

    def _typed(self) -> None:
        """Say what is against the query while it is edited."""
        queue = self.queue
        shown = queue.shown() if queue is not None else None
        if queue is None or shown is None or not is_visible(self.form):
            return
        against = queue.complaints(replace(shown, query=self.query.value.strip()))
        self.against.value = listed(against) if against else roomy(highlighted(clean(self.query.value, 4000)))

    def _save(self) -> None:
        queue = self._open_queue()
        path = self.target.path
        with self.target.writing(path, sources=[Path(self.file.path.value.strip()).expanduser(), queue.path]):
            written = queue.write(path)
        count = len(queue.accepted())
        self.status.say(f"{count} {'example is' if count == 1 else 'examples are'} written to {written}")

    # Showing

    def _draw(self, said: str = "") -> None:
        queue = self._open_queue()
        if said:
            self.status.say(said)
        self._editing(False)
        item, shown = queue.current, queue.shown()
        over = item is None
        for button in (self.accept, self.edit, self.reject, self.later):
            button.disabled = over
        self.how_far.value = progress(queue)
        if item is None or shown is None:
            self.card.value = roomy("<b>All examples are decided.</b>")
            with self._lock:
                self._wanted += 1
                self.rows.value = ""
            return
        self.card.value = card(item, shown, queue)
        self.rows.value = faint("running the query")
        self._look()

    def _editing(self, on: bool) -> None:
        visible(self.form, on)
        visible(self.deciding, not on)

    def _look(self) -> None:
        """Have the rows of the query fetched in a thread."""
        with self._lock:
            self._wanted += 1
            if self._looker is None and not self.work.closed:
                self._looker = self.status.background(self._fetch)

    def _fetch(self) -> None:
        try:
            while True:
                number, shown = self._wanted, self._rows_now()
                with self._lock:
                    if number == self._wanted:
                        self.rows.value, self._looker = roomy(shown), None
                        return
        except Exception:
            self._looker = None  # the status line tells; the next example is looked at all the same
            raise

    def _rows_now(self) -> str:
        try:
            return replace(self._open_queue().look(), display_limit=_SHOWN_ROWS)._repr_html_()
        except OptionError as error:  # no graph: nothing is wrong with the query
            return faint(f"{error.message} {error.hint}")
        except CypherMagicError as error:
            return listed((error.message,))

    def close(self) -> None:
        """Take the panel away; the decisions are kept already."""
        self.work.close()
        with self._lock:
            looker = self._looker
        if looker is not None:
            looker.join(5)  # so that no query of it outlives the connection
        super().close()


def _is_review(data: Any) -> bool:
    return hasattr(data, "undecided")
