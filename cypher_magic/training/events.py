"""What a run says while it goes on: a JSON object a line in `events.jsonl`, written by the worker, read by all others.

kinds: queued (device, behind, message: the run waits for its device), turn (it has it), started (device, steps,
packs ...), stage (message: what goes on before the first step), step (step, epoch, loss, learning_rate, grad_norm,
tokens_per_second, memory_bytes, eta_seconds), evaluated (epoch, loss; executable and execution_accuracy where queries
are run), sampled (epoch, samples), checkpointed (step), noted (message), resumed, finished (state: completed or
stopped), failed (message, hint).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class TrainEvent:
    """One line of `events.jsonl`: its kind, seconds since the epoch, and its values."""

    kind: str
    time: float = field(default_factory=time.time)
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of this name, or the default."""
        return self.values.get(name, default)

    def to_line(self) -> str:
        """The event as one line of JSON."""
        return json.dumps(
            {"kind": self.kind, "time": round(self.time, 3), **self.values}, ensure_ascii=False, default=str
        )

    @classmethod
    def from_line(cls, line: str) -> TrainEvent:
        """The event of a line of `events.jsonl`."""
        values = json.loads(line)
        return cls(values.pop("kind"), values.pop("time"), values)


class EventWriter:
    """Appends events to a file, each line whole and on disk at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, kind: str, **values: Any) -> TrainEvent:
        """Append one event and return it."""
        event = TrainEvent(kind, values=values)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(event.to_line() + "\n")
        return event


class EventReader:
    """Reads the events that were added since the last call; a line that is half written waits for the next call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def new(self) -> list[TrainEvent]:
        """The events since the last call, in order."""
        if not self.path.is_file():
            return []
        with self.path.open("rb") as file:
            file.seek(self._offset)
            block = file.read()
        whole = block[: block.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [event for line in whole.decode("utf-8", "replace").split("\n") if (event := _event(line)) is not None]


def _event(line: str) -> TrainEvent | None:
    """The event of a line; None for an empty one, and for one that a full disk cut off before its end."""
    try:
        return TrainEvent.from_line(line) if line.strip() else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_events(path: Path) -> list[TrainEvent]:
    """All events of a run so far."""
    return EventReader(path).new()


def told(event: TrainEvent, name: str) -> str:
    """What an event tells a person who reads plain text, in one line; empty for those that tell nothing new."""
    if event.kind == "started":
        return f"{name}: {event['rows']} examples, {event['epochs']} epochs on {event['device']}"
    if event.kind == "step" and event["step"] == 2:  # the first one is slow: it warms up
        return f"about {max(1, round(event['eta_seconds'] / 60))} minutes to go"
    if event.kind == "evaluated":
        loss = f"validation loss {event['loss']:.3f}" if "loss" in event.values else ""
        runs = f"{event['executable']:.0%} of the queries run" if "executable" in event.values else ""
        right = (
            f"{event['execution_accuracy']:.0%} bring the right rows" if "execution_accuracy" in event.values else ""
        )
        return f"epoch {event['epoch']:g}: " + ", ".join(filter(None, (loss, runs, right)))
    if event.kind == "queued":
        return f"{name} {event['message']}"
    return str(event["message"]) if event.kind in ("noted", "failed") else ""
