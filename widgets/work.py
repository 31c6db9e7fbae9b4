"""What a panel does that takes long: one thing at a time, in a thread of its own, and it can be ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.widgets.status import StatusLine


class Cancelled(Exception):
    """Cancel or Stop was pressed, or the panel was closed."""


class Work:
    """The one thing that goes on in a panel.

    A second start meanwhile does nothing: a button that is greyed out holds back no click that is on its way.
    `changed` is called when something begins, is to end, and has ended: there a panel says which of its buttons can be
    pressed, from `running` and whatever else it knows. What the work is told is read in the click, not in the
    thread.
    """

    def __init__(self, status: StatusLine, changed: Callable[[], None] = lambda: None) -> None:
        self.status, self._changed = status, changed
        self.running = False
        self.closed = False
        self._ending = ""
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    def start(
        self,
        work: Callable[[], object],
        saying: str,
        *,
        ending: str = "ending at the next step",
        cancelled: str = "Cancelled.",
    ) -> None:
        """Do this in a thread and show what it raises.

        `ending` is said when it is to end, and `cancelled` where it failed because of that.
        """
        with self._lock:
            if self.running or self.closed:
                return
            self.running = True
            self._cancelled.clear()
            self._ending = ending
        self.status.say(saying)
        self._changed()

        def run() -> None:
            try:
                work()
            except Exception as error:  # a thread has no caller that could be told
                self.status.say(cancelled) if self.cancelled else self.status.fail(error)
            finally:
                self.running = False
                self._changed()

        threading.Thread(target=run, name="cypher_magic panel", daemon=True).start()

    @property
    def cancelled(self) -> bool:
        """Whether what goes on is to end."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` when what goes on is to end."""
        if self.cancelled:
            raise Cancelled

    def progress(self, what: str, done: int, total: int) -> None:
        """Say how far the work is; raises `Cancelled` when it is to end."""
        self.check()
        self.status.say(f"{what}: {done / total:.0%}" if total else what)

    def cancel(self) -> None:
        """Have what goes on end at its next step."""
        if self.running:
            self._cancelled.set()
            self.status.say(self._ending)
            self._changed()

    def close(self) -> None:
        """End what goes on, and begin nothing more."""
        with self._lock:
            self.closed = True
            self._cancelled.set()
