"""Runs in words and side by side: a list of all of them, a comparison of some, what to do after a stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import OptionError
from cypher_magic.graph.frame import whole
from cypher_magic.graph.table import fit, padded
from cypher_magic.graph.values import display_width, printable
from cypher_magic.training.runs import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

_COLUMNS = ("run", "state", "progress", "loss", "validation", "rows", "backbone", "age")
UNREADABLE = "unreadable"  # in place of a state: a file of the run is missing or broken
_SCORES = "scores"  # the key of a card that holds what evaluations found: {name: value}


@dataclass(frozen=True)
class Figures:
    """What a run's events say: steps done and planned, the latest losses, when it began and what it took (seconds)."""

    step: int = 0
    steps: int = 0
    loss: float | None = None
    first_validation: float | None = None
    validation: float | None = None
    best_validation: float | None = None
    tokens_per_second: float | None = None
    seconds: float | None = None


def figures(run: Run) -> Figures:
    """The figures of a run, read from its events once."""
    events = run.events
    steps = [e for e in events if e.kind == "step"]
    losses = [e["loss"] for e in events if e.kind == "evaluated" and e.get("loss") is not None]
    began = next((e.time for e in events if e.kind == "started"), None)
    last: Any = steps[-1] if steps else {}
    return Figures(
        last.get("step", 0),
        last.get("steps", 0),
        last.get("loss"),
        losses[0] if losses else None,
        losses[-1] if losses else None,
        min(losses) if losses else None,
        last.get("tokens_per_second"),
        events[-1].time - began if began is not None else None,
    )


class RunList(list[Run]):
    """Runs that show themselves as a table: state, progress, losses, rows, backbone, age."""

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of the table, a tuple for each run."""
        return [_row(run) for run in self]

    def __repr__(self) -> str:
        if not self:
            return "There are no runs yet."
        lines = [_COLUMNS, *self.rows]
        widths = fit([max(map(display_width, column)) for column in zip(*lines, strict=True)], between=2)
        return "\n".join("  ".join(map(padded, line, widths)).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        if not self:
            return "<div>There are no runs yet.</div>"
        style = 'style="text-align:left"'
        head = "".join(f"<th {style}>{name}</th>" for name in _COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td {style}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Untuned:
    """A column of a comparison that is no run: `base` or `starter`, its card, and its settings where it has any."""

    name: str
    state: str
    card: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def compare(models: Sequence[Run | Untuned]) -> pd.DataFrame:
    """Runs as a table, a column each: state, rows, the settings in which they differ, losses, time, scores.

    Raises `OptionError` for fewer than two.
    """
    import pandas as pd

    if len(models) < 2:
        raise OptionError(
            "Comparing takes two runs or more.",
            hint="%finetune compare RUN RUN, or RUN starter once %cypher_eval RUN --against starter was there",
        )
    settings = [m.settings.to_dict() if isinstance(m, Run) else m.settings for m in models]
    known = dict.fromkeys(key for of in settings for key in of)
    differing = [key for key in known if len({str(of[key]) for of in settings if key in of}) > 1]
    names = list(dict.fromkeys(name for m in models for name in m.card.get(_SCORES) or {}))
    columns = {}
    for model, wanted in zip(models, settings, strict=True):
        card, f = model.card, figures(model) if isinstance(model, Run) else Figures()
        found, same = card.get(_SCORES) or {}, card.get("examples_sha256") == models[0].card.get("examples_sha256")
        columns[model.name] = {
            "state": model.state,
            "training rows": card.get("train_rows"),
            "validation rows": card.get("val_rows"),
            "same examples as the first": same,
            **{key: wanted.get(key) for key in differing},
            "steps": f.step if isinstance(model, Run) else None,
            "training loss": f.loss,
            "validation loss, before": f.first_validation,
            "validation loss, last": f.validation,
            "validation loss, best": f.best_validation,
            "minutes": round(f.seconds / 60, 1) if f.seconds is not None else None,
            "tokens per second": f.tokens_per_second,
            "device": card.get("device"),
            **({"measured on": (card.get("evaluation") or {}).get("data")} if names else {}),
            **{name: found.get(name) for name in names},
        }
    return whole(pd.DataFrame(columns, dtype=object))


def ways_on(run: Run) -> str:
    """What can be done with a run that was stopped, in one line; empty for any other."""
    if run.state != "stopped":
        return ""
    if not (run.folder / "adapter" / "adapter_config.json").is_file():
        return f"Run {run.name} was stopped before it learnt anything: %finetune resume {run.name} lets it begin."
    return (
        f"Run {run.name} was stopped{run.progress and ' after ' + run.progress} and keeps what it learnt: "
        f"%cypher_ask -m {run.name} asks it, %finetune use {run.name} lets it answer from now on, "
        f"%finetune resume {run.name} goes on."
    )


def _row(run: Run) -> tuple[str, ...]:
    cells: tuple[str, ...]
    try:
        card, f, age = run.card, figures(run), time.time() - run.created
        cells = (
            run.name,
            run.state,
            f"{f.step / f.steps:.0%} of {f.steps:,} steps" if f.steps else "",
            _number(f.loss),
            _number(f.validation),
            str(card.get("train_rows", "")),
            run.settings.backbone,
            _age(age),
        )
    except (OSError, ValueError, LookupError, AttributeError, TypeError, OptionError):
        cells = (run.name, UNREADABLE, *[""] * (len(_COLUMNS) - 2))
    return tuple(printable(cell) for cell in cells)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _age(seconds: float) -> str:
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}{'s' * (count > 1)}"
    return "now"
