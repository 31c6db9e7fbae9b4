"""Data frames in a terminal: every column is shown, below the first ones where they have no room beside each other.

pandas leaves out the columns in the middle there. Only frames that this package made (`graph/frame.py`, `whole`) are
shown so: how others look is up to the person.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from cypher_magic.graph.frame import is_whole

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

_TYPES = (("pandas", "DataFrame"), ("pandas.core.frame", "DataFrame"))  # its module in pandas 3, and before


def as_text(frame: pd.DataFrame) -> str:
    """The frame as text that fits the terminal."""
    import pandas as pd

    if not is_whole(frame):
        return repr(frame)
    width = shutil.get_terminal_size().columns
    with pd.option_context("display.max_columns", None, "display.width", width):
        return repr(frame)


def show_frames(shell: InteractiveShell) -> None:
    """Let a terminal's shell show frames in this way, unless it has a way of its own; loads no pandas."""
    plain = _formatter(shell)
    for module, name in _TYPES:
        if plain is not None and f"{module}.{name}" not in plain:
            plain.for_type_by_name(module, name, _print)


def leave_frames(shell: InteractiveShell) -> None:
    """Take that back."""
    plain = _formatter(shell)
    for module, name in _TYPES:
        if plain is not None and f"{module}.{name}" in plain and plain.lookup_by_type(f"{module}.{name}") is _print:
            plain.pop(f"{module}.{name}")


def _formatter(shell: InteractiveShell) -> Any:
    """What makes plain text of results; None in a notebook, which shows frames as HTML."""
    return None if hasattr(shell, "kernel") else shell.display_formatter.formatters["text/plain"]


def _print(frame: pd.DataFrame, printer: Any, cycle: bool) -> None:
    printer.text(as_text(frame))
