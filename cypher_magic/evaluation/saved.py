"""Reports that were saved: read back, put in order, and set side by side question by question."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example
from cypher_magic.errors import DataError
from cypher_magic.evaluation.judge import Prediction
from cypher_magic.evaluation.report import Report, asked
from cypher_magic.query.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LEAKED = "the question"  # what `Prediction.seen` says of a question that stands in the training rows
_FIELDS = tuple(f.name for f in fields(Prediction) if f.name not in ("example", "complaints"))

ORDERS: dict[str, str] = {
    "worst": "the worst first",
    "best": "the best first",
    "random": "drawn at random",
    "asked": "as they were asked",
    "kind": "by kind of error",
    "family": "by family",
    "slowest": "the slowest first",
}


def read_report(path: Path) -> Report:
    """The report in a `report.json`. DataError for a file that is none."""
    try:
        return _report(json.loads(path.read_text("utf-8")))
    except OSError as exc:
        raise DataError(f"{path} can not be read: {exc.strerror or exc}.", hint="make it with %cypher_eval") from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise DataError(f"{path} is not a report.", hint="make it anew with %cypher_eval") from exc


def ranked(predictions: Sequence[Prediction], order: str = "worst", *, seed: int = 0) -> list[Prediction]:
    """The predictions in one of `ORDERS`; DataError for another."""
    if order not in ORDERS:
        raise DataError(f"There is no order {order}.", hint=", ".join(ORDERS))
    found = list(predictions)
    if order == "random":
        random.Random(seed).shuffle(found)
        return found
    keys: dict[str, Callable[[Prediction], Any]] = {
        "worst": goodness,
        "best": lambda p: [-value for value in goodness(p)],
        "asked": lambda p: 0,
        "kind": lambda p: (not p.kind, p.kind),
        "family": lambda p: p.family,
        "slowest": lambda p: -(p.seconds or 0.0),
    }
    return sorted(found, key=keys[order])


def goodness(p: Prediction) -> list[float]:
    """How good a prediction is: right, the F1 of its rows, whether it ran, how near its text is to the reference."""
    near = SequenceMatcher(None, p.query.split(), p.reference.split(), autojunk=False).ratio()
    return [float(answered(p)), p.f1 or 0.0, float(p.executable or 0), near]


def answered(p: Prediction) -> bool:
    """Whether the query is right: by its rows, by its text where no rows tell."""
    return not p.missed if p.right is None else p.right


@dataclass(frozen=True)
class Duel:
    """One question that two models were asked."""

    first: Prediction
    second: Prediction

    @property
    def outcome(self) -> str:
        """Whether `first` or `second` alone answered it, `both` or `neither`."""
        one, other = answered(self.first), answered(self.second)
        if one == other:
            return "both" if one else "neither"
        return "first" if one else "second"


def duels(first: Report, second: Report) -> tuple[list[Duel], int]:
    """The questions that both were asked, and how many more are left out since one of the two was trained on them."""
    before = {asked(p): p for p in first.predictions}
    found = [Duel(before[asked(p)], p) for p in second.predictions if asked(p) in before]
    fair = [d for d in found if _LEAKED not in (d.first.seen, d.second.seen)]
    return fair, len(found) - len(fair)


def _report(values: Mapping[str, Any]) -> Report:
    against = values.get("against")
    return Report(
        str(values["model"]),
        tuple(_prediction(row) for row in values["predictions"]),
        against=_report(against) if against else None,
        data=str(values.get("data", "")),
        notes=tuple(map(str, values.get("notes", ()))),
        when=str(values.get("when", "")),
    )


def _prediction(row: Mapping[str, Any]) -> Prediction:
    complaints = tuple(Complaint(**c) for c in row.get("complaints", ()))
    example = Example.from_dict({**row, "query": row["reference"]})
    given = {name: row[name] for name in _FIELDS if name in row}
    return Prediction(**{"query": "", **given}, complaints=complaints, example=example)
