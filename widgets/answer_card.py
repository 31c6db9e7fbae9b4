"""One answer in a conversation: its query to edit and run again, its rows and picture, and keeping it as an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import DataError
from cypher_magic.widgets.panel import row, visible
from cypher_magic.widgets.status import CODE, roomy

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.asking.answer import Answer
    from cypher_magic.widgets.ask import AskBox

_ENDED = "stopped: the query was not run to its end"
_FIX = "change the query, then Good: keep it, which runs it first; if you do not know the right one: Keep for review"


class AnswerCard(widgets.Accordion):
    """An answer under its question. Folded, it holds no HTML: a saved notebook stays small however long the talk is.

    `page` is the answer as HTML. `box` runs its query again, `file` says where examples are kept; `changed` is called
    when the query was run again.
    """

    def __init__(
        self, answer: Answer, box: AskBox, file: Callable[[], str], changed: Callable[[], None] = lambda: None
    ) -> None:
        self.answer, self.page = answer, ""
        self.box, self.work, self.status = box, box.work, box.status
        self._kept = ""  # the query that stands among the examples
        self._sound = answer  # the last one whose query passed: what an edit takes the place of
        self._file, self._changed = file, changed
        self.html = widgets.HTML(layout=widgets.Layout(overflow="auto", width="100%"))
        self.query = widgets.Textarea(
            value=answer.query,
            rows=_rows(answer.query),
            continuous_update=False,
            tooltip="the query as plain text: change it and run it again, or copy it with Ctrl+A, Ctrl+C",
            layout=widgets.Layout(width="auto", display="none"),
        )
        self.query.add_class("cm-code")
        self.edit = widgets.ToggleButton(
            description="Edit or copy", tooltip="open the query as plain text, to change or to copy it", icon="pencil"
        )
        self.again = widgets.Button(
            description="Run again", tooltip="check this query as the model's is, and run it read-only", icon="refresh"
        )
        self.good = widgets.Button(
            description="Good: keep it", tooltip="keep question and query as an example for training", icon="thumbs-up"
        )
        self.wrong = widgets.Button(
            description="Wrong: fix it", tooltip="put the query right, and keep that as an example", icon="thumbs-down"
        )
        self.later = widgets.Button(
            description="Keep for review",
            tooltip="you do not know the right query: keep question and query to be reviewed, not to be trained on",
            icon="list",
        )
        visible(self.later, False)
        self.edit.observe(self._opened, "value")
        guarded = self.status.guarded
        self.again.on_click(guarded(self._again))
        self.good.on_click(guarded(self._keep))
        self.wrong.on_click(guarded(self._fix))
        self.later.on_click(guarded(self.keep_for_review))
        self.observe(self._folded, "selected_index")
        buttons = row(self.edit, self.again, self.good, self.wrong, self.later)
        body = widgets.VBox([self.html, self.query, buttons], layout=widgets.Layout(width="100%"))
        title = f"{'↳ ' if answer.history else ''}{answer.question}"
        super().__init__([body], titles=(title,), selected_index=0)
        self.show(answer)

    def show(self, answer: Answer) -> None:
        """Show this answer in the card."""
        self.answer = answer
        self._sound = answer if not answer.complaints else self._sound
        self.page = CODE + roomy(answer._repr_html_())
        self.good.button_style = "success" if self._kept and answer.query == self._kept else ""
        self.html.value = self.page if self.selected_index == 0 else ""

    def _folded(self, change: dict[str, Any]) -> None:
        self.html.value = self.page if change["new"] == 0 else ""

    def _opened(self, change: dict[str, Any]) -> None:
        self.query.layout.display = None if change["new"] else "none"

    def set_buttons(self) -> None:
        """Its query is run while nothing else goes on."""
        self.again.disabled = self.good.disabled = self.work.running

    def _again(self) -> None:
        query = self.query.value.strip()
        self.box.start(lambda: self.run_again(query), "running the query", cancelled=_ENDED)

    def _keep(self) -> None:
        query, file = self.query.value.strip(), self._named()
        self.box.start(lambda: self.keep(query, file), "keeping it", cancelled=_ENDED)

    def _fix(self) -> None:
        self.edit.value = True
        visible(self.later, True)
        self.query.focus()
        self.status.say(_FIX)

    def run_again(self, query: str) -> None:
        """Check this query as the model's is, run it, and show what came of it."""
        answer = self._sound.edit(query)
        if answer.complaints:
            self.work.check()  # what failed because it was stopped tells nothing
        self.show(answer)
        self._changed()
        self.status.say("answered" if not answer.complaints else "the query did not pass the checks")

    def keep(self, query: str, file: str) -> None:
        """Keep question and query in a file of examples, where a question stands once; a changed query is run first.

        DataError when it does not pass the checks.
        """
        if query != self.answer.query:
            self.run_again(query)
        if self.answer.complaints or not self.answer.query:
            raise DataError("This query did not pass the checks.", hint="correct it and run it again, then keep it")
        said: list[str] = []
        target = self.answer.save_example(file, tell=said.append)
        self._kept, self.good.button_style = self.answer.query, "success"
        visible(self.later, False)
        self.status.say(said[0] if said else f"kept in {target}; train with it: %%finetune NAME --data {target}")

    def keep_for_review(self) -> None:
        """Keep question and query, which is wrong, in a file of its own that the review panel opens."""
        from cypher_magic.data.keep import wrong_beside

        said: list[str] = []
        file = wrong_beside(self._named())
        target = self.answer.save_for_review(file, query=self.query.value, tell=said.append)
        self.later.button_style = "success"
        also = "; it still stands among the examples too" if self.query.value.strip() == self._kept else ""
        self.status.say((said[0] if said else f"kept for a review: %cypher_panel review {target}") + also)

    def _named(self) -> str:
        """The file of the examples; DataError where none is named."""
        file = self._file().strip()
        if not file:
            raise DataError("The examples need a file.", hint="write its name into the box below")
        return file


def _rows(query: str) -> int:
    """Lines of the box: those of the query, long ones counted as they wrap."""
    return min(12, max(3, sum(1 + len(line) // 90 for line in query.splitlines())))
