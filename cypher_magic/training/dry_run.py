"""What `--dry-run` shows: a run that was not started."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cypher_magic.training import dry_run_view as view
from cypher_magic.training.fits import gigabytes, proposal
from cypher_magic.training.packing import Pack
from cypher_magic.training.speed import Speed, earlier, measured

if TYPE_CHECKING:
    from cypher_magic.training.forecast import Forecast

_FORWARD = 0.5  # of a training step's time: the backward pass through frozen weights costs as much as the forward one


@dataclass(frozen=True)
class DryRun:
    """A run before it starts: what it would see, how long it would take, what memory it would need.

    Nothing is started or written. `forecast` has the packs, the rows that are too long and the memory's parts.
    """

    name: str
    forecast: Forecast
    speed: Speed | None  # None where it can not be timed, as with a backbone that does not fit

    @property
    def lengths(self) -> list[int]:
        """Tokens of each training example."""
        return [len(row) for row in self.forecast.train.kept]

    @property
    def example(self) -> tuple[str, str]:
        """The first training example as the model sees it: the text that is given, and the text that is trained."""
        row, tokenizer = self.forecast.train.kept[0], self.forecast.prompt.tokenizer
        given, trained = (
            tokenizer.decode(list(ids), skip_special_tokens=False) for ids in (row.prefix + row.question, row.answer)
        )
        return given, trained

    @property
    def memory(self) -> dict[str, float]:
        """The predicted peak in bytes, part by part."""
        return vars(self.forecast.memory)

    @property
    def seconds(self) -> float | None:
        """About how long training and validation take, without loading, sample answers and checkpoints."""
        f = self.forecast
        if self.speed is None:
            return None
        trained = sum(map(len, f.packs)) * f.settings.epochs
        validated = sum(map(len, f.val_packs)) * (f.settings.epochs + 1)
        return (trained + _FORWARD * validated) / self.speed.tokens_per_second

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is told, as (name, text)."""
        f, settings = self.forecast, self.forecast.settings
        tokens = sum(map(len, f.packs))
        apart = sum(self.lengths)
        return [
            ("backbone", f"{f.shape.name}, {f.prompt.style} style, from {settings.start_from}, on {f.device}"),
            ("examples", f"{len(f.train.kept):,} training, {len(f.val.kept):,} validation"),
            *self._too_long,
            (
                "packs" if isinstance(f.packs[0], Pack) else "batches",
                f"{len(f.packs):,} an epoch of at most {max(map(len, f.packs)):,} tokens, {f.steps:,} optimiser steps "
                f"in {settings.epochs} epoch{'s' * (settings.epochs > 1)}; {tokens:,} tokens an epoch instead of "
                f"{apart:,} one by one",
            ),
            ("memory", self._memory),
            ("time", self._time),
        ]

    @cached_property
    def _too_long(self) -> list[tuple[str, str]]:
        rows, limit = self.forecast.train, self.forecast.settings.max_tokens
        told = []
        if rows.pruned:
            told.append(("too long", f"{rows.pruned} rows above {limit} tokens get the part of the schema they need"))
        if rows.too_long:
            named = [f"{e.source or 'row'} {e.row}" if e.row else e.question for e, _ in rows.too_long]
            more = f" and {len(named) - 10} more" if len(named) > 10 else ""
            told.append(("left out", f"{len(named)} rows above {limit} tokens: {', '.join(named[:10])}{more}"))
        return told

    @property
    def _memory(self) -> str:
        f = self.forecast
        parts = ", ".join(f"{name} {gigabytes(count)}" for name, count in self.memory.items())
        text = f"about {gigabytes(f.memory.total)} of {gigabytes(f.room.free)} that are free: {parts}"
        if f.complaint():
            better = proposal(f.shape, f.work, f.room.free)
            text += f". It does not fit{f'; {better} would' if better else ''}"
        return text

    @property
    def _time(self) -> str:
        if self.speed is None or self.seconds is None:
            return "unknown: it could not be timed here"
        speed = f"{self.speed.tokens_per_second:,.0f} tokens/s"
        return f"about {_duration(self.seconds)} for training and validation ({speed}, {self.speed.source})"

    def __repr__(self) -> str:
        return view.text(self)

    def _repr_html_(self) -> str:
        return view.html(self)


def dry_run(name: str, forecast: Forecast) -> DryRun:
    """What the run of this forecast would look like; timed here when no earlier run tells the speed."""
    f = forecast
    speed = earlier(f.settings, f.device)
    if speed is None and not f.complaint():
        speed = measured(f.folder, f.settings, sorted(f.packs, key=len)[len(f.packs) // 2])
    return DryRun(name, f, speed)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
