"""%cypher_panel: the same with the mouse."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from IPython.core.magic import line_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Option, Options

PANEL = Command(
    "%cypher_panel",
    "Do with the mouse what the magics do: train, ask, look after data, review pairs, compare and move models.\n"
    "train: examples, settings, start and stop, live chart; ask: questions and answers; data: files, their report and\n"
    "repair, pairs made from the graph; review: accept, edit or reject pairs; models: runs, comparison, export and\n"
    "import. train, data and review open a FILE of examples. In a terminal it prints the magics that do the same.",
    words="[train | ask | data | review | models] [FILE]",
    options=(
        Option("--val", metavar="FILE", help="train, data: validation examples", otherwise="a part is set aside"),
    ),
    max_words=2,
    examples=("%cypher_panel", "%cypher_panel review pairs.jsonl"),
)


@magics_class
class PanelMagics(Family):
    """Open panels."""

    @line_magic
    @PANEL
    def cypher_panel(self, options: Options) -> Any:
        """The panel; in a terminal nothing, after printing what to type instead."""
        from cypher_magic import widgets
        from cypher_magic.widgets.text import TEXT

        kind, *files = options.words or ["train"]
        if kind not in widgets.PANELS:
            close = get_close_matches(kind, widgets.PANELS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there is: {', '.join(widgets.PANELS)}"
            raise OptionError(f"There is no panel called {kind}.", hint=hint)
        if files and kind not in widgets.FROM_FILES:
            raise OptionError(f"The {kind} panel takes no file.", hint=f"{', '.join(widgets.FROM_FILES)} do")
        if options.val and kind not in widgets.WITH_VAL:
            raise OptionError(f"The {kind} panel takes no --val.", hint=f"{' and '.join(widgets.WITH_VAL)} do")
        if not hasattr(self.shell, "kernel"):
            print(TEXT[kind])
            return None
        return getattr(widgets, widgets.PANELS[kind])(*files, **({"val": options.val} if options.val else {}))
