"""The part of a panel where questions are asked: question, query, rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.asking.highlight import highlighted
from cypher_magic.errors import OptionError
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.asking.answer import Answer
    from cypher_magic.widgets.status import StatusLine

_EVERY = 0.2  # seconds between two updates of the query as it is written
CURRENT, UNTUNED = ("the current model", ""), ("the untuned backbone", "base")


class AskBox(widgets.VBox):
    """A question box; Enter or the button asks, and the checked query and its rows come below."""

    def __init__(self, status: StatusLine) -> None:
        self.status = status
        self.answer: Answer | None = None
        self.question = widgets.Text(
            description="Question",
            placeholder="Which actors played in The Matrix?",
            tooltip="a question about the connected graph, in plain language",
            layout=widgets.Layout(flex="1 1 22em", width="auto"),
            style={"description_width": "9em"},
        )
        self.model = widgets.Dropdown(
            options=[CURRENT, UNTUNED],
            tooltip="the run that answers",
            layout=widgets.Layout(width="14em"),
        )
        self.button = widgets.Button(description="Ask", tooltip="ask this question", icon="question")
        self.result = widgets.HTML(layout=widgets.Layout(overflow="auto", max_height="40em", width="100%"))
        self.fresh = widgets.Button(
            description="New", tooltip="start over: the next question goes on from nothing", icon="eraser"
        )
        self.button.on_click(status.guarded(self.ask))
        self.fresh.on_click(status.guarded(self.forget))
        self.question.on_msg(self._on_message)
        parts = [self.question, self.model, self.button, self.fresh]
        row = widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([row, self.result])

    def offer(self, runs: Sequence[str]) -> None:
        """Let these runs be chosen; what is chosen stays chosen while it is there."""
        chosen = self.model.value
        self.model.options = [CURRENT, *((name, name) for name in runs), UNTUNED]
        self.model.value = chosen if chosen in ("base", *runs) else ""

    def ask(self) -> None:
        """Ask in a thread of its own; the answer or the error is shown when it is there."""
        question = self.question.value.strip()
        if not question:
            raise OptionError("There is no question.", hint="write one into the box")
        if not self.button.disabled:
            self.status.say("asking; the first question loads the model")
            self.status.background(lambda: self._answer(question, self.model.value or None), self.button)

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
            if time.monotonic() - shown >= _EVERY:
                shown = time.monotonic()
                self.result.value = roomy(highlighted(text))

        self.answer = session.ask(question, model=model, stream=stream, progress=self._progress)
        self.result.value = roomy(self.answer._repr_html_())
        self.status.say("answered" if not self.answer.complaints else "the query did not pass the checks")

    def _progress(self, what: str, done: int, total: int) -> None:
        self.status.say(told(what, done, total))

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":  # Enter in the box
            self.status.guarded(self.ask)()


def told(what: str, done: int, total: int) -> str:
    """Progress in words: what, and how much of it."""
    return f"{what}: {done / total:.0%}" if total else what
