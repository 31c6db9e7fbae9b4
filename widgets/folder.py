"""The notebook's folder as the place where files are dropped: those that can be read are offered in the panel.

FileUpload has no drop zone and can get none from outside: its view makes an <input type=file> that it never puts into
the page (`widget_upload.ts`), and an input of our own would need a script to hand its files over. The file browser
beside the notebook (JupyterLab, Notebook, VS Code, Colab) takes drops of any size, and its folder is ours to read.
"""

from __future__ import annotations

import os
import threading
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.data.keep import WRONG
from cypher_magic.widgets.data import ACCEPTED
from cypher_magic.widgets.panel import faint, row, visible
from cypher_magic.widgets.samples import one_line
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

EVERY = 1.0  # seconds between two looks at the folder
SHOWN = 8  # files that are offered, the newest first
_KINDS = tuple(ACCEPTED.split(","))
_READABLE = "CSV, TSV, JSONL, JSON, Parquet and ZIP files can be read"
_NOT_MEANT = ("", ".ipynb", ".py", ".tmp", ".part", ".crdownload")  # what comes into a folder for other reasons
_NOT_FOR_TRAINING = (".review.jsonl", WRONG)  # what a review writes beside its file, and what waits for one


class FolderFiles(widgets.VBox):
    """A box that says where to drop files, with a button for each file of the folder that can be added.

    `take` gets the paths that were chosen, `used` tells the names of files that need not be offered. `watch` looks
    again and again in a thread, until the box is closed.
    """

    def __init__(self, take: Callable[[Sequence[Path]], None], used: Callable[[], Collection[str]]) -> None:
        self._take, self._used = take, used
        self._closed, self._lock = threading.Event(), threading.Lock()
        self._folder = Path.cwd()
        self._before = set(_names(self._folder))  # what comes later was dropped, or written
        self._seen: object = None
        self.told = widgets.HTML(layout=widgets.Layout(width="100%"))
        self.buttons = row()
        self.note = widgets.HTML()
        super().__init__(
            [self.told, self.buttons, self.note],
            layout=widgets.Layout(border="1px solid rgba(128,128,128,.35)", padding="4px 8px", margin="4px 0"),
        )
        self.look()

    def watch(self) -> None:
        """Look at the folder every second, in a thread of its own."""
        threading.Thread(target=self._watch, name="cypher_magic folder", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(EVERY):
            self.look()

    def look(self) -> None:
        """Offer what is in the folder now; nothing is sent to the page when that is as before."""
        names = _names(self._folder)
        used = self._used()
        readable = [n for n in names if _kind(n) in _KINDS and not n.endswith(_NOT_FOR_TRAINING) and n not in used]
        files = sorted(((_stat(self._folder / name), name) for name in readable), key=lambda f: (-f[0][0], f[1]))
        strange = sorted(n for n in names if n not in self._before and _kind(n) not in (*_KINDS, *_NOT_MEANT))
        with self._lock:
            if (files, strange) != self._seen:
                self._seen = (files, strange)
                self._show({name: size for (_, size), name in files}, strange)

    def _show(self, sizes: dict[str, int], strange: Sequence[str]) -> None:
        folder = f"<code>{escape(one_line(self._folder.name, 60)) or '/'}</code>"
        then = "these can be added:" if sizes else f"they are offered here ({_READABLE})."
        where = f"Drop files into the file browser beside the notebook, folder {folder}, not on this page;"
        self.told.value = roomy(f"{where} {faint(then)}")
        new = [name for name in sizes if name not in self._before]
        together = [self._button(f"Add the {len(new)} new ones", new, sizes, main=True)] if len(new) > 1 else []
        old = self.buttons.children
        self.buttons.children = (
            *together,
            *(self._button(name, [name], sizes, main=new == [name]) for name in list(sizes)[:SHOWN]),
        )
        for button in old:
            button.close()
        visible(self.buttons, bool(sizes))
        refused = escape(", ".join(one_line(name, 40) for name in strange[:3]))
        self.note.value = f'<span role="alert">{refused}: not for examples ({_READABLE})</span>' if strange else ""
        visible(self.note, bool(strange))

    def _button(self, text: str, names: Sequence[str], sizes: dict[str, int], *, main: bool) -> widgets.Button:
        told = ", ".join(f"{one_line(name, 60)} ({sizes[name] / 1e3:,.0f} kB)" for name in names)
        made = widgets.Button(
            description=one_line(text, 40),
            tooltip=f"add {told}",
            icon="plus",
            button_style="primary" if main else "",
            layout=widgets.Layout(width="auto"),
        )
        made.on_click(lambda _: self._take([self._folder / name for name in names]))
        return made

    def close(self) -> None:
        """Take the box away, and look no more."""
        self._closed.set()
        super().close()


def _names(folder: Path) -> list[str]:
    """The files in the folder that are not hidden; none where it can not be read."""
    try:
        with os.scandir(folder) as found:
            return [entry.name for entry in found if not entry.name.startswith(".") and entry.is_file()]
    except OSError:
        return []


def _kind(name: str) -> str:
    return Path(name).suffix.lower()


def _stat(file: Path) -> tuple[float, int]:
    """When the file was changed and how many bytes it has; nothing when it went away just now."""
    try:
        found = file.stat()
    except OSError:
        return 0.0, 0
    return found.st_mtime, found.st_size
