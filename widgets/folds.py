"""What the training panel keeps folded: the dry run, the log of the run that is shown, all runs with their states."""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.graph.values import printable
from cypher_magic.widgets.status import faint, roomy

if TYPE_CHECKING:
    from cypher_magic.training.dry_run import DryRun
    from cypher_magic.training.runs import Run
    from cypher_magic.widgets.status import StatusLine

TITLES = DRY_RUN, LOG, RUNS = ("Dry run", "Log of the run", "All runs")
_STYLE = "<style>.cm-runs th,.cm-runs td{padding:.15em 1.2em .15em 0}</style>"
_TAIL = 16_000  # bytes of a log that are looked at
_LINES = 60


class Folds(widgets.Accordion):
    """Three pages; each is filled when it is opened and emptied when it is closed: what is saved stays small."""

    def __init__(self, status: StatusLine) -> None:
        self.pages = {name: widgets.HTML(layout=widgets.Layout(max_height="60em", overflow="auto")) for name in TITLES}
        self.run: Run | None = None
        self.dry_run: DryRun | None = None
        super().__init__(list(self.pages.values()), titles=TITLES, selected_index=None)
        self.observe(status.guarded(self.refresh), "selected_index")

    def show_dry_run(self, run: DryRun) -> None:
        """Open the page of the dry run with this one."""
        self.dry_run = run
        self.selected_index = TITLES.index(DRY_RUN)
        self.refresh()

    def refresh(self) -> None:
        """Look again at what the open page shows."""
        for i, (name, page) in enumerate(self.pages.items()):
            text = self._filled(name) if i == self.selected_index else ""
            if page.value != text:
                page.value = text

    def follow(self) -> None:
        """The run that is shown went on: look again at its log, when that is open."""
        if self.selected_index == TITLES.index(LOG):
            self.refresh()

    def _filled(self, name: str) -> str:
        from cypher_magic import session

        if name == DRY_RUN:
            return roomy(self.dry_run._repr_html_()) if self.dry_run is not None else faint("press Dry run above")
        if name == RUNS:
            return roomy(f'{_STYLE}<div class="cm-runs">{session.runs()._repr_html_()}</div>')
        return _log(self.run) if self.run is not None else faint("no run is shown")


def _log(run: Run) -> str:
    """The last lines that the worker of a run printed, as HTML."""
    file = run.folder / "worker.log"
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            text = log.read().decode(errors="replace")
    except OSError:
        text = ""
    # a progress bar writes its states one over the other
    lines = [printable(line.rpartition("\r")[2]) for line in text.rstrip().split("\n")][-_LINES:]
    shown = "\n".join(lines).strip() or "the worker has printed nothing"
    return roomy(
        f'<pre style="margin:0;white-space:pre-wrap;overflow-wrap:anywhere;color:inherit;background:none">'
        f"{escape(shown)}</pre>"
    )
