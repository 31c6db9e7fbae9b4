"""What happened on the way from a question to its answer, step by step."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Step:
    """One step: its name (schema, write, repair, gate, check, plan, run, values), what came of it, and seconds."""

    name: str
    outcome: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.name:<7} {self.seconds * 1000:7,.0f} ms  {self.outcome}"


@dataclass
class Timed:
    """A step that goes on; `outcome` is set before it ends."""

    outcome: str = ""


@dataclass
class Steps:
    """Collects the steps of one question."""

    done: list[Step] = field(default_factory=list)

    @contextmanager
    def timed(self, name: str) -> Iterator[Timed]:
        """A step that takes as long as the block; one that raises is kept as failed."""
        started = time.perf_counter()
        step = Timed("failed")
        try:
            yield step
        finally:
            self.done.append(Step(name, step.outcome, time.perf_counter() - started))

    def note(self, name: str, outcome: str, seconds: float = 0.0) -> None:
        """A step that was timed elsewhere, or takes no time."""
        self.done.append(Step(name, outcome, seconds))
