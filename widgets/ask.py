"""The part of a panel where questions are asked: question, model, stop, and the query while it is written."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.asking.highlight import highlighted
from cypher_magic.errors import OptionError
from cypher_magic.widgets.panel import LABEL, on_enter, row
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.asking.answer import Answer
    from cypher_magic.training.run_table import RunList
    from cypher_magic.widgets.work import Work

_EVERY = 0.2  # seconds between two updates of the query as it is written
CURRENT, UNTUNED = ("the current model", ""), (("the starter", "starter"), ("the untuned backbone", "base"))


class AskBox(widgets.VBox):
    """A question box; Enter or the button asks as `work`, and Stop ends what is going on.

    The query is shown while it is written. The answer is given to `take`, and the box is empty for the next question as
    soon as one is asked; without `take`, the answer is shown below its question. `before` is called before a question:
    a graph may have been connected since. `model` is one that can be chosen although it is no run.
    """

    def __init__(
        self,
        work: Work,
        take: Callable[[Answer], None] | None = None,
        before: Callable[[], None] = lambda: None,
        model: str = "",
    ) -> None:
        self.work, self.status = work, work.status
        self.answer: Answer | None = None
        self._take, self._before, self._model = take, before, model
        self._talk = 0  # counts conversations: an answer that comes late belongs to another
        self.question = widgets.Text(
            description="Question",
            placeholder="Which actors played in The Matrix?",
            tooltip="a question about the connected graph, in plain language; Enter asks",
            layout=widgets.Layout(width="auto"),
            style=LABEL,
        )
        self.model = widgets.Dropdown(
            options=[CURRENT, *UNTUNED],
            description="Model",
            tooltip="the run that answers",
            layout=widgets.Layout(flex="1 1 26em", width="auto", max_width="40em"),
            style=LABEL,
        )
        self.button = widgets.Button(description="Ask", tooltip="ask this question", icon="question")
        self.stop = widgets.Button(description="Stop", tooltip="stop this question", icon="stop", disabled=True)
        self.fresh = widgets.Button(
            description="New", tooltip="a new conversation: the next question goes on from nothing", icon="eraser"
        )
        for button in (self.button, self.stop, self.fresh):
            button.layout.width = "7em"
        self.result = widgets.HTML(layout=widgets.Layout(overflow="auto", max_height="40em", width="100%"))
        guarded = self.status.guarded
        self.button.on_click(guarded(self.ask))
        self.stop.on_click(guarded(self.halt))
        self.fresh.on_click(guarded(self.forget))
        on_enter(self.question, guarded(self.ask))
        below = row(self.model, self.button, self.stop, self.fresh)
        super().__init__([self.question, below, self.result])

    def set_buttons(self) -> None:
        """Ask asks one question at a time, and Stop is there for it."""
        self.button.disabled = self.work.running
        self.stop.disabled = not self.work.running or self.work.cancelled

    def offer(self) -> RunList:
        """Let the runs that there are be chosen, and return them; what is chosen stays chosen."""
        from cypher_magic import session

        found, chosen = session.runs(), self.model.value
        runs = [run.name for run in found]
        known = ("", *runs, *(name for _, name in UNTUNED))
        also = [] if self._model in known else [self._model]
        self.model.options = [CURRENT, *((name, name) for name in (*also, *runs)), *UNTUNED]
        self.model.value = chosen if chosen in (*known, *also) else ""
        return found

    def ask(self) -> None:
        """Ask in a thread of its own; the answer or the error is shown when it is there."""
        if self.work.running:
            return
        self._before()
        question = self.question.value.strip()
        if not question:
            raise OptionError("There is no question.", hint="write one into the box")
        model, talk = self.model.value or None, self._talk
        self.start(
            lambda: self._answer(question, model, talk),
            "asking; the first question loads the model",
            cancelled="stopped: there is no answer to this question",
        )

    def start(self, work: Callable[[], None], saying: str, *, cancelled: str) -> None:
        """Do this as the box's work; what it leaves in the conversation goes when New was pressed meanwhile."""
        talk = self._talk

        def run() -> None:
            from cypher_magic import session

            try:
                work()
            finally:
                if talk != self._talk:
                    session.conversation(new=True)

        self.work.start(run, saying, ending="stopping", cancelled=cancelled)

    def halt(self) -> None:
        """Stop what is on its way: the model at its next token, a query on the server."""
        if self.work.running:
            from cypher_magic import session

            self.work.cancel()
            for connection in session.connections()[:1]:
                threading.Thread(target=self.status.guarded(connection.cancel), daemon=True).start()

    def forget(self) -> None:
        """Start a new conversation; a question that is on its way does not come into it."""
        from cypher_magic import session

        self.halt()
        self._talk += 1
        self._before()
        session.conversation(new=True)
        self.status.say("a new conversation")

    def _answer(self, question: str, model: str | None, talk: int) -> None:
        from cypher_magic import session

        shown = 0.0

        def stream(text: str) -> None:
            nonlocal shown
            self.work.check()
            if time.monotonic() - shown >= _EVERY:
                shown = time.monotonic()
                self.result.value = roomy(highlighted(text))

        if self._take is not None:
            self.question.value = ""  # now: what is typed from here on is the next question, and only the page has it
        try:
            answer = session.ask(question, model=model, stream=stream, progress=self.work.progress)
            if answer.complaints or talk != self._talk or self.work.closed:
                self.work.check()  # what failed because it was stopped is no answer
        except Exception:
            self.result.value = ""
            if talk == self._talk:
                self.question.value = self.question.value or question
            raise
        self.answer = answer
        if self._take is not None:
            self._take(answer)
        else:
            self.result.value = roomy(answer._repr_html_())
        self.status.say("answered" if not answer.complaints else "the query did not pass the checks")

    def close(self) -> None:
        """Take the box away; a question that is on its way is stopped."""
        self.halt()
        self.work.close()
        super().close()
