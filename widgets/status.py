"""The line of a panel that says what goes on, and what went wrong: no error of a callback is lost."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import CypherMagicError
from cypher_magic.widgets.samples import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

# for boxes of the class cm-code: they hold queries and YAML
CODE = (
    "<style>.cm-code textarea{font-family:var(--jp-code-font-family,monospace)!important;"
    "font-size:var(--jp-code-font-size,13px);line-height:1.4}</style>"
)


class StatusLine(widgets.HTML):
    """One line of text."""

    def __init__(self) -> None:
        super().__init__(layout=widgets.Layout(min_height="1.6em", margin="0"))
        self.error: Exception | None = None  # the last one, for those who want its traceback

    def say(self, text: str) -> None:
        """Show what goes on; replaces an earlier message or error."""
        self.error = None
        self.value = f'<span role="status">{faint(one_line(text))}</span>'

    def fail(self, error: Exception) -> None:
        """Show an error as its message and its hint."""
        self.error = error
        message, hint = one_line(error) or "no reason given", ""
        if isinstance(error, CypherMagicError):
            message, hint = one_line(error.message), one_line(error.hint)
        else:
            message = f"{type(error).__name__}: {message}"
        hint = f" {faint(f'({hint})')}" if hint else ""
        self.value = f'<span role="alert"><b style="color:#d1453b">✗</b> {escape(message)}{hint}</span>'

    def guarded(self, work: Callable[[], None]) -> Callable[..., None]:
        """The work as a callback for buttons and changes: what it raises is shown here."""

        def callback(*_: Any) -> None:
            try:
                work()
            except Exception as error:  # a widget's callback has no caller that could be told
                self.fail(error)

        return callback

    def background(self, work: Callable[[], None]) -> threading.Thread:
        """Do the work in a thread, and show here what it raises."""
        thread = threading.Thread(target=self.guarded(work), name="cypher_magic panel", daemon=True)
        thread.start()
        return thread


def faint(text: str) -> str:
    """Text that is less important, escaped."""
    return f'<span style="opacity:.8">{escape(text)}</span>'


def roomy(html: str) -> str:
    """The HTML with the line height of text; a widget sets that of a button."""
    return f'<div style="line-height:1.45">{html}</div>'
