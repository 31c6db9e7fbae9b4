"""What all panels are: a column of widgets that in a terminal tells the magics instead."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets

from cypher_magic.widgets.progress import in_notebook
from cypher_magic.widgets.status import StatusLine, faint
from cypher_magic.widgets.text import TEXT
from cypher_magic.widgets.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

_BEHIND = 0.3  # seconds in which the text of a box comes behind the Enter that sent it
LABEL = {"description_width": "9em"}
# ipywidgets draws the arrow of a list in black, in the dark theme too; and what is as wide as its box is wider by its
# own margins, so that the box gets a scroll bar
STYLE = (
    "<style>.cm-panel .jupyter-widgets{max-width:calc(100% - 4px)}"
    'body[data-jp-theme-light="false"] .cm-panel{--jp-widgets-dropdown-arrow:url("data:image/svg+xml,'
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'>"
    "<path d='M5 7l4 4 4-4' fill='none' stroke='white' stroke-width='1.5'/></svg>\")}</style>"
)


class Panel(widgets.VBox):
    """A panel; `kind` is its name in `%cypher_panel KIND`, `status` the line for what goes on and what went wrong.

    `work` is what it does that takes long, one thing at a time.
    """

    kind: ClassVar[str] = ""

    def __init__(self) -> None:
        self.status = StatusLine()
        self.work = Work(self.status, self.set_buttons)
        super().__init__(layout=widgets.Layout(width="100%", max_width="980px"))
        self.add_class("cm-panel")

    def set_buttons(self) -> None:
        """Say which buttons can be pressed now; called whenever `work` begins, is to end, and has ended."""

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

    def shown(self) -> None:
        """What is to be done when the panel has been displayed."""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if not in_notebook():
            print(TEXT[self.kind])
            return
        display(self._repr_mimebundle_(), raw=True)
        self.shown()

    def close(self) -> None:
        """Take the panel away with all that it holds; what goes on in it ends at its next step."""
        self.work.close()
        _close_parts(self)
        super().close()


class WorkingPanel(Panel):
    """A panel with a button that ends what goes on: `cancel`, in sight meanwhile; `state` is the line with it.

    A long panel has several places for that line: `near` says which is for what.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cancel = self.button("Cancel", "end what goes on at its next step", "ban", self.work.cancel)
        visible(self.cancel, False)
        self.status.layout.flex, self.status.layout.width = "1 1 20em", "auto"
        self.state = row(self.status, self.cancel)
        self._place: widgets.VBox | None = None

    def say_at(self, place: widgets.VBox) -> None:
        """From now on what goes on is said in this place."""
        if self._place is not place:
            if self._place is not None:
                self._place.children = ()
            place.children, self._place = (self.state,), place

    def near(self, place: widgets.VBox, *parts: widgets.Button | widgets.Text) -> None:
        """Say in this place what comes of these buttons and boxes."""

        def here(_: Any) -> None:
            self.say_at(place)

        for part in parts:
            part.on_click(here) if isinstance(part, widgets.Button) else part.observe(here, "value")

    def set_buttons(self) -> None:
        """Cancel is in sight while something goes on; which others can be pressed then is for each panel to say."""
        visible(self.cancel, self.work.running)


def on_enter(box: widgets.Text, work: Callable[[], object]) -> None:
    """Do the work when Enter is pressed in the box, and not before all of its text is here.

    The page holds back the letters of a box while the kernel is busy, and Enter and clicks overtake them: so the box
    sends its text whole, when it is left and right behind an Enter. Only where the text is the one before nothing comes
    behind, and the work is done a moment later.
    """
    box.continuous_update = False
    waiting: list[threading.Timer] = []

    def do(*_: Any) -> None:
        try:
            waiting.pop().cancel()
        except IndexError:  # no Enter: the box was left
            return
        work()

    def pressed(_: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit" and not waiting:
            timer = threading.Timer(_BEHIND, do)
            timer.daemon = True
            waiting.append(timer)
            timer.start()

    box.on_msg(pressed)
    box.observe(do, "value")


def close_all(*found: widgets.Widget) -> None:
    """Close these widgets and all that they hold; ipywidgets closes none of it, and saves it with the notebook."""
    for widget in found:
        _close_parts(widget)
        widget.close()


def _close_parts(widget: widgets.Widget) -> None:
    close_all(*getattr(widget, "children", ()))
    for part in (widget.layout, getattr(widget, "style", None)):
        if part is not None:
            part.close()


def heading(text: str, style: str = "") -> widgets.HTML:
    """The title of a part of a panel; `style` is HTML that is not seen."""
    return widgets.HTML(
        f'{style}<b style="font-size:1.1em">{escape(text)}</b>', layout=widgets.Layout(margin="6px 0 0 0")
    )


def row(*parts: widgets.Widget) -> widgets.HBox:
    """Widgets beside one another, on the next line where there is no room."""
    return widgets.HBox(parts, layout=widgets.Layout(width="100%", flex_flow="row wrap"))


def wide(width: str) -> widgets.Layout:
    """A layout of this width."""
    return widgets.Layout(width=width)


def visible(widget: widgets.Widget, there: bool) -> None:
    """Show a widget or take it out of sight."""
    widget.layout.display = None if there else "none"


def is_visible(widget: widgets.Widget) -> bool:
    """Whether the widget is not hidden."""
    return widget.layout.display != "none"


def graph_line() -> str:
    """Which graph is connected, as HTML, with the panel's style."""
    from cypher_magic import session

    connection = next(iter(session.connections()), None)
    if connection is None:
        return STYLE + faint("No graph is connected: %cypher_connect demo, or %cypher_connect neo4j://host:7687")
    return STYLE + faint(f"Graph: {connection.name}, {connection.server}")
