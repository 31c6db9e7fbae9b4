"""What tests of panels do again and again: wait for what a thread does, and go through all widgets of a panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import ipywidgets as widgets


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return when the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def every(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """The widget and all that it holds."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


def enter(box: widgets.Text, text: str) -> None:
    """Type a text and press Enter, as the page tells it: first the key, and right behind it the text."""
    box._handle_custom_msg({"event": "submit"}, [])
    box.value = text
