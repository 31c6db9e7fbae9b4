"""The query as the model writes it, shown in the notebook until the answer is there."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVERY = 0.15  # seconds between two updates: a notebook draws no faster than a person reads


@contextmanager
def streamed(shell: Any) -> Iterator[Callable[[str], None] | None]:
    """What is called with the text so far; None where there is no notebook that could show and replace it."""
    if getattr(shell, "kernel", None) is None:
        yield None
        return
    from IPython.display import display

    from cypher_magic.asking.highlight import highlighted

    handle: Any = None
    shown = 0.0

    def show(text: str) -> None:
        nonlocal handle, shown
        now = time.monotonic()
        if now - shown < _EVERY:
            return
        shown = now
        data = {"text/plain": "".join(c if c.isprintable() else " " for c in text), "text/html": highlighted(text)}
        if handle is None:
            handle = display(data, raw=True, display_id=True)
        else:
            handle.update(data, raw=True)

    try:
        yield show
    finally:
        if handle is not None:
            handle.update({"text/plain": "", "text/html": ""}, raw=True)  # the answer shows the query again
