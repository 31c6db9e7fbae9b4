"""%cypher_panel: the same with the mouse."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from IPython.core.magic import line_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Options

PANEL = Command(
    "%cypher_panel",
    "Open a panel for what the magics do: files, settings, start and stop, live chart, questions. In a terminal it\n"
    "prints the magics that do the same.",
    words="[train]",
    max_words=1,
    examples=("%cypher_panel", "%cypher_panel train"),
)


@magics_class
class PanelMagics(Family):
    """Open panels."""

    @line_magic
    @PANEL
    def cypher_panel(self, options: Options) -> Any:
        """The panel; in a terminal nothing, after printing what to type instead."""
        from cypher_magic.widgets.text import TEXT

        kind = options.words[0] if options.words else "train"
        if kind not in TEXT:
            close = get_close_matches(kind, TEXT, 1)
            hint = f"did you mean {close[0]}?" if close else f"there is: {', '.join(TEXT)}"
            raise OptionError(f"There is no panel called {kind}.", hint=hint)
        if not hasattr(self.shell, "kernel"):
            print(TEXT[kind])
            return None
        from cypher_magic.widgets import TrainPanel

        return TrainPanel()
