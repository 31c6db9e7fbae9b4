"""What all panels are: a column of widgets that in a terminal tells the magics instead."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets

from cypher_magic.errors import CypherMagicError
from cypher_magic.widgets.progress import in_notebook
from cypher_magic.widgets.status import StatusLine
from cypher_magic.widgets.text import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL = {"description_width": "9em"}
# ipywidgets draws the arrow of a list in black, in the dark theme too
DARK = (
    '<style>body[data-jp-theme-light="false"] .cm-panel{--jp-widgets-dropdown-arrow:url("data:image/svg+xml,'
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'>"
    "<path d='M5 7l4 4 4-4' fill='none' stroke='white' stroke-width='1.5'/></svg>\")}</style>"
)


class Panel(widgets.VBox):
    """A panel; `kind` is its name in `%cypher_panel KIND`, `status` the line for what goes on and what went wrong."""

    kind: ClassVar[str] = ""

    def __init__(self) -> None:
        self.status = StatusLine()
        super().__init__(layout=widgets.Layout(width="100%", max_width="980px"))
        self.add_class("cm-panel")

    def shown(self) -> None:
        """What is to be done when the panel has been displayed."""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if not in_notebook():
            print(TEXT[self.kind])
            return
        display(self._repr_mimebundle_(), raw=True)
        self.shown()


class WorkingPanel(Panel):
    """A panel that does one thing at a time.

    `start` does in a thread what takes long and tells its `progress`; `cancel` is in sight meanwhile and ends it at its
    next step. `state` is the line with both.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cancelled = threading.Event()
        self.cancel = self.button("Cancel", "end what goes on at its next step", "ban", self._cancel)
        visible(self.cancel, False)
        self.status.layout.flex, self.status.layout.width = "1 1 20em", "auto"
        self.state = row(self.status, self.cancel)

    def start(self, work: Callable[[], object], saying: str, *buttons: widgets.Widget) -> None:
        """Do the work in a thread, these buttons greyed out meanwhile."""
        self._cancelled.clear()
        self.status.say(saying)
        visible(self.cancel, True)

        def worked() -> None:
            try:
                work()
            finally:
                visible(self.cancel, False)

        self.status.background(worked, *buttons)

    def progress(self, what: str, done: int, total: int) -> None:
        """Say how far the work is; raises when Cancel was pressed."""
        if self._cancelled.is_set():
            raise CypherMagicError("Cancelled.")
        self.status.say(f"{what}: {done / total:.0%}" if total else what)

    def _cancel(self) -> None:
        self._cancelled.set()
        self.status.say("ending at the next step")

    def button(self, name: str, tooltip: str, icon: str, work: Callable[[], None], *, main: bool = False) -> Any:
        """A button that does this work; what it raises is shown in the status line."""
        style = "primary" if main else ""
        made = widgets.Button(
            description=name,
            tooltip=tooltip,
            icon=icon,
            button_style=style,
            layout=widgets.Layout(width="auto", min_width="6.5em"),
        )
        made.on_click(self.status.guarded(work))
        return made


def heading(text: str, style: str = "") -> widgets.HTML:
    """The title of a part of a panel; `style` is HTML that is not seen."""
    return widgets.HTML(
        f'{style}<b style="font-size:1.1em">{escape(text)}</b>', layout=widgets.Layout(margin="6px 0 0 0")
    )


def row(*parts: widgets.Widget) -> widgets.HBox:
    """Widgets beside one another, on the next line where there is no room."""
    return widgets.HBox(parts, layout=widgets.Layout(width="100%", flex_flow="row wrap"))


def visible(widget: widgets.Widget, there: bool) -> None:
    """Show a widget or take it out of sight."""
    widget.layout.display = None if there else "none"


def is_visible(widget: widgets.Widget) -> bool:
    """Whether the widget is not hidden."""
    return widget.layout.display != "none"


def faint(text: str) -> str:
    """Text that is less important, escaped."""
    return f'<span style="opacity:.8">{escape(text)}</span>'


def graph_line() -> str:
    """Which graph is connected, as HTML, with the panel's style."""
    from cypher_magic import session

    connection = next(iter(session.connections()), None)
    if connection is None:
        return DARK + faint("No graph is connected: %cypher_connect demo, or %cypher_connect neo4j://host:7687")
    return DARK + faint(f"Graph: {connection.name}, {connection.server}")
