"""The part of a panel where questions are asked: question, model, stop, and the query while it is written."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.asking.highlight import highlighted
from cypher_magic.errors import OptionError
from cypher_magic.widgets.panel import LABEL, row
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.asking.answer import Answer
    from cypher_magic.widgets.status import StatusLine

_EVERY = 0.2  # seconds between two updates of the query as it is written
CURRENT, UNTUNED = ("the current model", ""), (("the starter", "starter"), ("the untuned backbone", "base"))


class Stopped(Exception):
    """The person pressed Stop while a question was on its way."""


class AskBox(widgets.VBox):
    """A question box; Enter or the button asks in a thread of its own, and Stop ends what is going on.

    The query is shown while it is written. The answer is given to `take`; without, it is shown in the same place.
    """

    def __init__(self, status: StatusLine, take: Callable[[Answer], None] | None = None) -> None:
        self.status = status
        self.answer: Answer | None = None
        self._take = take or self._show
        self._halted = threading.Event()
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
        self.button.on_click(status.guarded(self.ask))
        self.stop.on_click(status.guarded(self.halt))
        self.fresh.on_click(status.guarded(self.forget))
        self.question.on_msg(self._on_message)
        below = row(self.model, self.button, self.stop, self.fresh)
        super().__init__([self.question, below, self.result])

    def offer(self, runs: Sequence[str]) -> None:
        """Let these runs be chosen; what is chosen stays chosen while it is there."""
        chosen = self.model.value
        self.model.options = [CURRENT, *((name, name) for name in runs), *UNTUNED]
        self.model.value = chosen if chosen in (*runs, *(name for _, name in UNTUNED)) else ""

    def ask(self) -> None:
        """Ask in a thread of its own; the answer or the error is shown when it is there."""
        question = self.question.value.strip()
        if not question:
            raise OptionError("There is no question.", hint="write one into the box")
        if not self.button.disabled:
            self._halted.clear()
            self.stop.disabled = False
            self.status.say("asking; the first question loads the model")
            self.status.background(lambda: self._answer(question, self.model.value or None), self.button)

    def halt(self) -> None:
        """Stop the question that is on its way: the model at its next token, a query on the server."""
        from cypher_magic import session

        self._halted.set()
        self.stop.disabled = True
        self.status.say("stopping")
        for connection in session.connections()[:1]:
            threading.Thread(target=self.status.guarded(connection.cancel), daemon=True).start()

    def forget(self) -> None:
        """Start a new conversation."""
        from cypher_magic import session

        session.conversation(new=True)
        self.status.say("a new conversation")

    def _answer(self, question: str, model: str | None) -> None:
        from cypher_magic import session

        shown = 0.0

        def stream(text: str) -> None:
            nonlocal shown
            self._go_on()
            if time.monotonic() - shown >= _EVERY:
                shown = time.monotonic()
                self.result.value = roomy(highlighted(text))

        try:
            answer = session.ask(question, model=model, stream=stream, progress=self._progress)
            if answer.complaints:
                self._go_on()  # what failed because it was stopped is no answer
        except Stopped:
            self.result.value = ""
            self.status.say("stopped: there is no answer to this question")
            return
        finally:
            self.stop.disabled = True
        self.answer = answer
        self._take(answer)
        self.status.say("answered" if not answer.complaints else "the query did not pass the checks")

    def _show(self, answer: Answer) -> None:
        self.result.value = roomy(answer._repr_html_())

    def _go_on(self) -> None:
        if self._halted.is_set():
            raise Stopped

    def _progress(self, what: str, done: int, total: int) -> None:
        self._go_on()
        self.status.say(told(what, done, total))

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":  # Enter in the box
            self.status.guarded(self.ask)()


def told(what: str, done: int, total: int) -> str:
    """Progress in words: what, and how much of it."""
    return f"{what}: {done / total:.0%}" if total else what
