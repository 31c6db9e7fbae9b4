"""A run's epochs as a table of text: mean training loss, validation loss, right rows, seconds."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cypher_magic.training.events import TrainEvent


class EpochTable:
    """Mean training loss, validation loss, execution accuracy and seconds per epoch, from events as they come in."""

    def __init__(self) -> None:
        self.validation: list[tuple[float, float]] = []  # epoch, loss
        self.right: dict[int, float] = {}  # epoch -> execution accuracy, where queries were run
        self.seconds = 0.0
        self._rows: dict[int, list[float]] = {}  # epoch -> sum of losses, count, seconds at its end
        self._reached = 0.0
        self._began: float | None = None
        self._before = 0.0  # seconds of earlier attempts of a resumed run

    def add(self, event: TrainEvent) -> None:
        """Take in one event; only `started`, `step` and `evaluated` matter."""
        if event.kind == "started":
            self._began, self._before = event.time, self.seconds
        if self._began is not None:
            self.seconds = max(self.seconds, self._before + event.time - self._began)
        loss, epoch = event.get("loss"), event.get("epoch")
        if event.kind not in ("step", "evaluated") or not isinstance(loss, int | float) or not isfinite(loss):
            return
        if event.kind == "evaluated":
            if isinstance(right := event.get("execution_accuracy"), int | float):
                self.right[round(epoch)] = right
            self.validation = [*(v for v in self.validation if v[0] < epoch), (epoch, loss)]
            if round(epoch) in self._rows:
                self._rows[round(epoch)][2] = self.seconds
        else:
            number = max(1, ceil(epoch - 5e-4))  # epochs come rounded to three places
            total, count, _ = self._rows.get(number, (0.0, 0, 0.0))
            self._rows[number] = [total + loss, count + 1, self.seconds]
        self._reached = epoch

    def best(self) -> str:
        """Where the validation loss was lowest, when it has gone up since."""
        epoch, loss = min(self.validation, key=lambda pair: pair[1])
        return f" (lowest {loss:.3g} after epoch {short(epoch)})" if loss < self.validation[-1][1] else ""

    def lines(self, *, whole: bool) -> list[str]:
        """A line per epoch that is over; with `whole` the one that was broken off too."""
        losses = {round(epoch): loss for epoch, loss in self.validation}
        told = [f"before     {'':22} validation loss {losses[0]:<8.3g}{self._right(0)}"] if 0 in losses else []
        over = self._reached if not whole else float("inf")
        for number, (total, count, seconds) in sorted(self._rows.items()):
            if number > over + 5e-4 or (losses and not whole and number not in losses):
                continue
            until = min(float(number), self._reached)
            val = f"validation loss {losses[number]:<8.3g}" if number in losses else f"{'':24}"
            mean = f"training loss {total / count:<8.3g}"
            told.append(f"epoch {until:<4.3g} {mean} {val}{self._right(number)} {duration(seconds)}")
        return [line.rstrip() for line in told]

    def _right(self, epoch: int) -> str:
        if not self.right:
            return ""
        return f" right rows {self.right[epoch]:<5.0%}" if epoch in self.right else " " * 17


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 2 min 10 s, 1 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def short(number: Any) -> str:
    """A number with three digits at most; anything else as it is."""
    return f"{number:.3g}" if isinstance(number, int | float) else str(number or "")
