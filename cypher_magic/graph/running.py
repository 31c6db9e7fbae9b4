"""Runs a blocking call so that an Interrupt or a time limit ends it on the server too.

The neo4j driver waits for the server inside a socket read; a KeyboardInterrupt there leaves the connection half
read and its session waiting for the query all the same. So the call runs in a thread of its own, and the caller
waits on an event that Interrupt can break.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_PATIENCE = 5.0  # seconds that a stopped call may take to come back
_AGAIN = 0.2  # seconds after which it is stopped once more: the server may not have known it yet


class Overdue(Exception):
    """The call was stopped because its time was over."""


class _Call(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self.work = work
        self.done = threading.Event()
        self.value: T
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.value = self.work()
        except BaseException as exc:  # handed to the waiting thread, which raises it
            self.error = exc
        finally:
            self.done.set()

    def wait(self, seconds: float | None) -> bool:
        """Whether the call ended; waits in slices, because Windows delivers no Interrupt to an endless wait."""
        left = seconds
        while left is None or left > 0:
            if self.done.wait(0.5 if left is None else min(0.5, left)):
                return True
            left = None if left is None else left - 0.5
        return self.done.is_set()

    def end(self, stop: Callable[[], None]) -> None:
        """Stops the call and waits until it came back, but not for ever: the network may be away for `stop` too."""
        deadline = time.monotonic() + _PATIENCE
        stopping: threading.Thread | None = None
        while not self.done.is_set() and time.monotonic() < deadline:
            if stopping is None or not stopping.is_alive():
                stopping = threading.Thread(target=stop, name="cypher_magic-stop", daemon=True)
                stopping.start()
            self.done.wait(_AGAIN)
        if stopping is not None:  # what it asked the server for is over too, so that nothing of it is left running
            stopping.join(max(0.0, deadline - time.monotonic()))


def interruptible(work: Callable[[], T], stop: Callable[[], None], *, seconds: float | None = None) -> T:
    """The value of `work()`; Interrupt and the end of `seconds` (raises Overdue) call `stop` first."""
    call = _Call(work)
    thread = threading.Thread(target=call.run, name="cypher_magic-query", daemon=True)
    try:
        thread.start()
        finished = call.wait(seconds)
    except KeyboardInterrupt:
        call.end(stop)
        raise
    if not finished:
        call.end(stop)
        raise Overdue
    if call.error is not None:
        raise call.error
    return call.value
