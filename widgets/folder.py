"""The notebook's folder as the place where files are dropped: those that can be read are offered in the panel.

FileUpload has no drop zone and can get none from outside: its view makes an <input type=file> that it never puts into
the page (`widget_upload.ts`), and an input of our own would need a script to hand its files over. The file browser
of the page (JupyterLab, Notebook, VS Code, Colab) takes drops of any size, and its folder is ours to read.
"""

from __future__ import annotations

import os
import threading
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.data.keep import WRONG
from cypher_magic.widgets.data import ACCEPTED
from cypher_magic.widgets.panel import close_all, row, visible
from cypher_magic.widgets.samples import one_line
from cypher_magic.widgets.status import faint, roomy

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
    again and again in a thread, as long as the box is in sight.
    """

    def __init__(self, take: Callable[[Sequence[Path]], None], used: Callable[[], Collection[str]]) -> None:
        self._take, self._used = take, used
        self._lock = threading.Lock()
        self._closed = self._busy = False
        self._until: threading.Event | None = None  # set: the thread that looks again and again ends
        self._folder = Path.cwd()
        self._before = set(_names(self._folder))  # what comes later was dropped, or written
        self._told: set[str] = set()  # of what can not be read
        self._seen: object = None
        self.told = widgets.HTML(layout=widgets.Layout(width="100%"))
        self.buttons = row()
        self.note = widgets.HTML()
        super().__init__(
            [self.told, self.buttons, self.note],
            layout=widgets.Layout(border="1px solid rgba(128,128,128,.35)", padding="4px 8px", margin="4px 0"),
        )
        self._view_count = 0  # the page tells when the box comes into sight, and when its cell is run again
        self.observe(self._seen_or_not, "_view_count")
        self.look()

    def watch(self) -> None:
        """Look at the folder every second, in one thread, until the box is out of sight or closed."""
        with self._lock:
            if self._closed or (self._until is not None and not self._until.is_set()):
                return
            self._until = until = threading.Event()
        threading.Thread(target=self._watch, args=(until,), name="cypher_magic folder", daemon=True).start()

    def _watch(self, until: threading.Event) -> None:
        while not until.wait(EVERY):
            self.look()

    def _seen_or_not(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.watch()
        elif self._until is not None:
            self._until.set()

    def set_busy(self, busy: bool) -> None:
        """Whether nothing can be added now."""
        with self._lock:
            self._busy = busy
            for button in self.buttons.children:
                button.disabled = busy

    def look(self) -> None:
        """Offer what is in the folder now; nothing is sent to the page when that is as before."""
        names = _names(self._folder)
        used = self._used()
        readable = [n for n in names if _kind(n) in _KINDS and not n.endswith(_NOT_FOR_TRAINING) and n not in used]
        files = sorted(((_stat(self._folder / name), name) for name in readable), key=lambda f: (-f[0][0], f[1]))
        odd = (n for n in names if n not in self._before and _kind(n) not in (*_KINDS, *_NOT_MEANT))
        with self._lock:
            strange = sorted(set(odd) - self._told)
            if not self._closed and (strange or files != self._seen):
                self._told.update(strange)
                self._seen = files
                self._show({name: size for (_, size), name in files}, strange)

    def _show(self, sizes: dict[str, int], strange: Sequence[str]) -> None:
        folder = f"<code>{escape(one_line(self._folder.name, 60)) or '/'}</code>"
        then = "these can be added:" if sizes else f"they are offered here ({_READABLE})."
        where = f"Drop files into the file browser (in Notebook 7 a tab of its own), folder {folder}, not on this page;"
        self.told.value = roomy(f"{where} {faint(then)}")
        new = [name for name in sizes if name not in self._before]
        together = [self._button(f"Add the {len(new)} new ones", new, sizes, main=True)] if len(new) > 1 else []
        old = self.buttons.children
        self.buttons.children = (
            *together,
            *(self._button(name, [name], sizes, main=new == [name]) for name in list(sizes)[:SHOWN]),
        )
        close_all(*old)
        visible(self.buttons, bool(sizes))
        refused = ", ".join(one_line(name, 40) for name in strange[:3])
        self.note.value = faint(f"{refused}: not for examples ({_READABLE})") if strange else ""
        visible(self.note, bool(strange))

    def _button(self, text: str, names: Sequence[str], sizes: dict[str, int], *, main: bool) -> widgets.Button:
        told = ", ".join(f"{one_line(name, 60)} ({sizes[name] / 1e3:,.0f} kB)" for name in names)
        made = widgets.Button(
            description=one_line(text, 40),
            tooltip=f"add {told}",
            icon="plus",
            button_style="primary" if main else "",
            disabled=self._busy,
            layout=widgets.Layout(width="auto"),
        )
        made.on_click(lambda _: self._take([self._folder / name for name in names]))
        return made

    def close(self) -> None:
        """Take the box away, and look no more."""
        with self._lock:
            self._closed = True
        if self._until is not None:
            self._until.set()
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
