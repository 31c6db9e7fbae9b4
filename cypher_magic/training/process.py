"""Which process is which: a number alone is given again to another one."""

from __future__ import annotations

import contextlib
import sys


def born(pid: int) -> str:
    """When this process started, as text that no other process of this number has; empty when there is none."""
    import psutil

    try:
        # On Linux counted from the start of the machine, or setting the clock would seem to change the process.
        booted = psutil.boot_time() if sys.platform == "linux" else 0.0
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time() - booted:.2f}"
    except psutil.NoSuchProcess:
        return ""


def end(pid: int) -> None:
    """End this process and all that it has started, at once."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        started = process.children(recursive=True)
        for each in (process, *started):  # the one first that would start others again
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
