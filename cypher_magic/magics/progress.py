"""One line that says what goes on while a person waits, in a terminal and in a notebook; it goes when it is over."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_AFTER = 0.5  # seconds before anything is shown: what is quick needs no telling
_EVERY = 0.2  # seconds between two drawings
_BYTES = 1_000_000  # a total from here on counts bytes: nothing else comes in millions
_WIPE = "\r\x1b[K"


@contextmanager
def progress_line() -> Iterator[ProgressLine]:
    """What is called with what goes on, how much of it is done, and of how much: a `Progress`.

    Where neither a terminal nor a notebook would show and wipe the line, nothing is written.
    """
    line = ProgressLine(_screen())
    try:
        yield line
    finally:
        line.close()


class ProgressLine:
    """Shows the newest thing it was told, with the seconds since that began; a thread of its own keeps them going.

    `show` draws a text over the one before it, and wipes it away when the text is empty.
    """

    def __init__(self, show: Callable[[str], None] | None) -> None:
        self._show = show
        self._what, self._done, self._total = "", 0, 0
        self._told = self._began = 0.0
        self._first = (0.0, 0)  # when the first of it was done, and how much: what comes before tells no speed
        self._drawn = ""
        self._changing = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say what goes on; when all of it is done the line goes, until something else is told."""
        if self._show is None:
            return
        now = time.monotonic()
        with self._changing:
            if total and done >= total:
                self._wipe()
                return
            self._told = self._told if self._what else now
            self._began = self._began if self._what == what else now
            if self._what != what or not self._done:
                self._first = (now, done)
            self._what, self._done, self._total = what, done, total
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_drawing, name="progress", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wipe the line away for good."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._wipe()

    def _wipe(self) -> None:
        if self._drawn:
            self._draw("")
        self._what = self._drawn = ""

    def _keep_drawing(self) -> None:
        while not self._over.wait(_EVERY):
            with self._changing:
                now = time.monotonic()
                if self._what and now - self._told >= _AFTER:
                    self._draw(told(self._what, self._done, self._total, now - self._began, self._left(now)))

    def _left(self, now: float) -> float | None:
        """Seconds until all is done, at the speed so far; None where that can not be told yet."""
        since, before = now - self._first[0], self._first[1]
        if not self._total or self._done <= before or since < 1:
            return None
        return since / (self._done - before) * (self._total - self._done)

    def _draw(self, text: str) -> None:
        if self._show is not None and text != self._drawn:
            self._show(text)
        self._drawn = text


def told(what: str, done: int, total: int, seconds: float, left: float | None = None) -> str:
    """Progress in words: `converting · 4 s`, `downloading · 31 of 93 MB · about 12 s left`."""
    from cypher_magic.widgets.epochs import duration

    if not total:
        return f"{what} · {duration(seconds)}"
    in_bytes = total >= _BYTES
    amount = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if in_bytes else f"{done:,} of {total:,}"
    return f"{what} · {amount} · {f'about {duration(left)} left' if left is not None else duration(seconds)}"


def _screen() -> Callable[[str], None] | None:
    """What draws the line: over and over on one line of the terminal, or in one output of the notebook's cell."""
    from cypher_magic.widgets.progress import in_notebook

    if in_notebook():
        return _output()
    return _on_terminal if sys.stderr.isatty() else None


def _on_terminal(text: str) -> None:
    room = shutil.get_terminal_size().columns - 1
    print(_WIPE + text[:room], end="", file=sys.stderr, flush=True)


def _output() -> Callable[[str], None]:
    """An output is redrawn, and empty in the end: a bar of widgets would stay behind in the saved notebook."""
    from html import escape

    from IPython.display import display

    handle: Any = None

    def show(text: str) -> None:
        nonlocal handle
        html = f'<span style="opacity:.8">{escape(text)}</span>' if text else ""
        data = {"text/plain": text, "text/html": html}
        if handle is None:
            handle = display(data, raw=True, display_id=True)
        else:
            handle.update(data, raw=True)

    return show
