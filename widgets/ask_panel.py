"""The panel for questions: a conversation with the graph, each answer with its query to edit and to keep."""

from __future__ import annotations

from html import escape
from itertools import islice
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.widgets.answer_card import AnswerCard
from cypher_magic.widgets.ask import AskBox
from cypher_magic.widgets.panel import LABEL, Panel, close_all, graph_line
from cypher_magic.widgets.samples import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cypher_magic.asking.answer import Answer

SHOWN = 20  # answers that can be opened; older ones are in `answers` and in %cypher_ask --history
SAVED = 10  # answers that the notebook keeps with their rows
SAVED_BYTES = 400_000  # of their HTML in all
NAMED = 100  # answers that it keeps at all


class AskPanel(Panel):
    """Ask with the mouse; everything it does is a call of `ask` or of an answer's own functions.

    The newest answer is on top, right below the question, and older ones are folded under their questions. `model` is
    the run that answers (the current one without), `examples` the file that good answers are kept in; what is wrong
    and waits for a review is kept beside it. `answers` are the answers, oldest first.
    """

    kind = "ask"

    def __init__(self, model: str = "", *, examples: str = "corrections.jsonl") -> None:
        super().__init__()
        self.graph = widgets.HTML()
        self.ask = AskBox(self.work, self._take, self.status.guarded(self.refresh), model)
        self.talk = widgets.VBox(layout=widgets.Layout(width="100%"))
        self.file = widgets.Text(
            value=examples,
            continuous_update=False,
            description="Kept in",
            tooltip="the file that good answers are appended to, as examples for %%finetune --data",
            layout=widgets.Layout(width="28em"),
            style=LABEL,
        )
        self.answers: list[Answer] = []
        self._kept: Any = None  # the output below the panel that is saved with the notebook
        self.ask.fresh.on_click(self.status.guarded(self._clear))
        self.children = (self.graph, self.ask, self.status, self.talk, self.file)
        self.status.guarded(self.refresh)()
        self.ask.model.value = model

    @property
    def cards(self) -> tuple[AnswerCard, ...]:
        """The answers as they are shown, newest first."""
        return tuple(self.talk.children)

    def refresh(self) -> None:
        """Look again at which graph is connected and which runs there are."""
        self.graph.value = graph_line()
        self.ask.offer()

    def set_buttons(self) -> None:
        """One question or one query at a time."""
        self.ask.set_buttons()
        for card in self.cards:
            card.set_buttons()

    def _take(self, answer: Answer) -> None:
        for card in self.cards:
            card.selected_index = None
        card = AnswerCard(answer, self.ask, lambda: self.file.value, self._keep)
        gone = self.cards[SHOWN - 1 :]
        self.talk.children = (card, *self.cards[: SHOWN - 1])
        close_all(*gone)
        self.answers.append(answer)
        self.ask.result.value = ""
        self._keep()

    def _clear(self) -> None:
        """A new conversation begins with an empty page."""
        gone = self.cards
        self.talk.children, self.answers = (), []
        close_all(*gone)
        self._keep()

    @property
    def saved(self) -> Talk:
        """What the notebook keeps of the conversation."""
        pages = [card.page for card in reversed(self.cards)]
        return Talk(self.answers, [""] * (len(self.answers) - len(pages)) + pages)

    def _keep(self) -> None:
        shown = [card.answer for card in reversed(self.cards)]
        self.answers[len(self.answers) - len(shown) :] = shown  # edited ones are what they became
        if self._kept is not None:
            self._kept.update(self.saved)

    def __repr__(self) -> str:
        count = len(self.answers)
        return f"AskPanel: {count} answer{'' if count == 1 else 's'}"

    def shown(self) -> None:
        """What the notebook keeps comes below."""
        from IPython.display import display

        self._kept = display(self.saved, display_id=True)


class Talk:
    """The conversation below the panel, folded: a saved notebook keeps this output, the panel's own state it may not.

    The last answers come with their rows, as many as there is room for; older ones are question and query.
    """

    def __init__(self, answers: Sequence[Answer], pages: Sequence[str]) -> None:
        self.answers, self.pages = tuple(answers), tuple(pages)

    def _repr_html_(self) -> str:
        if not self.answers:
            return "<span></span>"
        left, parts = SAVED_BYTES, []
        newest_first = reversed(list(zip(self.answers, self.pages, strict=True)))
        for age, (answer, html) in enumerate(islice(newest_first, NAMED)):
            if not html or age >= SAVED or len(html) > left:
                html = f"<code>{escape(one_line(answer.query))}</code>"
            left -= len(html)
            parts.append(f"<div><b>{escape(one_line(answer.question))}</b><br>{html}</div>")
        count = len(self.answers)
        title = f"{count} answer{'' if count == 1 else 's'}, as this notebook keeps them"
        return f"<details><summary>{title}</summary>{''.join(reversed(parts))}</details>"

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.answers[-SAVED:]))
