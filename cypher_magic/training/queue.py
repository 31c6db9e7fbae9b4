"""One run at a time on a device: later ones wait in the order in which they came.

A worker holds a lock file of its device (`.turn-cpu.lock` in the runs folder) for as long as it trains. The system lets
go of it when the process ends, however it ends: a killed worker blocks nobody. Who waits has said so in its
`events.jsonl` (`queued`); the oldest one whose process is alive comes next.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cypher_magic.training.events import EventWriter

_POLL = 0.5  # seconds between two looks at the lock


@contextmanager
def turn(run: Run, events: EventWriter) -> Iterator[bool]:
    """Wait until no other run trains on the device of this one's settings, and keep it until the block ends.

    Yields False when the run was asked to stop while it waited: it has then said its last word and must not train.
    Waiting is told once (`queued`), and its end too (`turn`). Of a run's several processes the first one waits, and
    the others wait for that one.
    """
    from cypher_magic.model.load import choose_device

    kind = choose_device(run.settings.device).kind
    if os.environ.get("RANK", "0") != "0":
        yield _follow(run, kind)
        return
    path = run.folder.parent / f".turn-{device_name(kind)}"
    lock = FileLock(f"{path}.lock")
    ours = _acquire(lock, run, kind, events)
    if not ours:
        run.update_card(state="stopped")
        events.write("finished", state="stopped", steps=0)
        yield False
        return
    try:
        path.write_text(f"{os.getpid()} {born(os.getpid())} {run.name}", encoding="utf-8")
        yield True
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def device_name(kind: str) -> str:
    """The device's part of a file name; GPUs that are chosen by CUDA_VISIBLE_DEVICES are different devices."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "") if kind == "cuda" else ""
    return kind + re.sub(r"[^\w-]+", "_", f"-{chosen}" if chosen else "")


def ahead(run: Run, kind: str) -> list[str]:
    """The names of the runs that have the device before this one: who trains there, then who waits longer."""
    device, mine = device_name(kind), _waits_since(run, device_name(kind))
    holder = holding(run.folder.parent, kind)
    waiting = [
        (since, other.name)
        for other in runs()
        if other.name not in (run.name, holder) and other.worker_alive() and (since := _waits_since(other, device))
    ]
    first = [holder] if holder and holder != run.name else []
    return first + [name for since, name in sorted(waiting) if not mine or (since, name) < (mine, run.name)]


def holding(folder: Path, kind: str) -> str | None:
    """The name of the run that trains on the device now, or None."""
    try:
        pid, began, name = (folder / f".turn-{device_name(kind)}").read_text(encoding="utf-8").split(" ", 2)
    except (OSError, ValueError):
        return None
    return name if pid.isdigit() and born(int(pid)) == began else None


def _acquire(lock: FileLock, run: Run, kind: str, events: EventWriter) -> bool:
    """Take the lock when it is this run's turn; False when it was asked to stop before."""
    told = False
    while not (run.folder / "STOP").exists():
        before = ahead(run, kind)
        if not before:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                pass  # taken by a run that has not written its name yet
            else:
                if told:
                    events.write("turn")
                return True
        if not told:
            names = ", ".join(before) or "another run"
            message = f"waits until the {'CPU' if kind == 'cpu' else 'GPU'} is free: after {names}"
            events.write("queued", device=device_name(kind), behind=before, message=message)
            told = True
        time.sleep(_POLL)
    return False


def _waits_since(run: Run, device: str) -> float:
    """When the run began to wait for this device; 0 when it does not wait."""
    stage = run.stage
    return stage.time if stage is not None and stage.kind == "queued" and stage.get("device") == device else 0.0


def _follow(run: Run, kind: str) -> bool:
    """In a run's other processes: wait until its first process has the device; False when the run was stopped."""
    while holding(run.folder.parent, kind) != run.name:
        stage = run.stage
        if (run.folder / "STOP").exists() or (stage is not None and stage.kind in ("finished", "failed")):
            return False
        time.sleep(_POLL)
    return True
