"""Which models there are, and two of them side by side: settings, scores with intervals, question by question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import OptionError
from cypher_magic.session import state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cypher_magic.evaluation.metrics import Score
    from cypher_magic.evaluation.report import Report
    from cypher_magic.evaluation.saved import Duel
    from cypher_magic.evaluation.significance import Comparison
    from cypher_magic.training.run_table import Untuned
    from cypher_magic.training.runs import Run


@dataclass(frozen=True)
class ModelRow:
    """A run or an imported model as one row: `cells` are those of the list of runs, `score` that of its evaluation."""

    name: str
    state: str
    cells: tuple[str, ...]
    score: str
    answers: bool  # whether it is the one that `ask` asks


@dataclass(frozen=True)
class ModelComparison:
    """Two models: `settings` and `facts` as (name, first, second) where they differ, scores on the same questions.

    `duels` are those questions; `verdict` is McNemar's test on them, None without any. `notes` tell what to know.
    """

    first: str
    second: str
    settings: tuple[tuple[str, str, str], ...] = ()
    facts: tuple[tuple[str, str, str], ...] = ()
    scores: Mapping[str, tuple[Score | None, Score | None]] = field(default_factory=dict)
    verdict: Comparison | None = None
    duels: tuple[Duel, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, outcome: str) -> list[Duel]:
        """The questions that `first` or `second` alone answered, `both` or `neither`."""
        return [d for d in self.duels if d.outcome == outcome]


def model_rows() -> list[ModelRow]:
    """All runs and imported models, newest first."""
    from cypher_magic.asking.live import newest_run
    from cypher_magic.errors import NoModel
    from cypher_magic.training.run_table import UNREADABLE, RunList
    from cypher_magic.training.runs import runs

    found = RunList(runs())
    try:
        current = state.SESSION.run or newest_run()
    except NoModel:
        current = ""
    return [
        ModelRow(run.name, cells[1], cells, "" if cells[1] == UNREADABLE else _accuracy(run), run.name == current)
        for run, cells in zip(found, found.rows, strict=True)
    ]


def saved_report(run: str | Run) -> Report:
    """The report of a run's last evaluation, as it was saved. OptionError when it was not evaluated."""
    from cypher_magic.evaluation.saved import read_report
    from cypher_magic.training.runs import find_run

    name = run if isinstance(run, str) else run.name
    path = find_run(name).folder / "report.json"
    if not path.is_file():
        raise OptionError(f"Run {name} was not evaluated.", hint=f"%cypher_eval {name}, or Evaluate in the panel")
    return read_report(path)


def compare_models(first: str, second: str) -> ModelComparison:
    """Two runs (or a run and `base` or `starter`, against which it was evaluated) side by side.

    Scores are those on the questions that both were asked in their last evaluations, without those that one of the two
    was trained on. Raises OptionError for a model and itself, RunNotFound for one that is not there.
    """
    from cypher_magic.evaluation.report import Report
    from cypher_magic.evaluation.saved import duels

    if first == second:
        raise OptionError("A model can not be compared with itself.", hint="choose another one")
    settings, facts = _differences(first, second)
    pairs = [(a, b, *duels(a, b)) for a, b in _reports(first, second)]
    if not pairs or not max(len(found) for *_, found, _ in pairs):
        left = pairs[0][3] if pairs else 0
        return ModelComparison(first, second, settings, facts, notes=(_nothing(first, second, left),))
    a, b, found, left = max(pairs, key=lambda pair: (len(pair[2]), pair[1].when))
    one = Report(first, tuple(d.first for d in found))
    other = Report(second, tuple(d.second for d in found))
    names = dict.fromkeys([*one.scores, *other.scores])
    scores = {name: (one.scores.get(name), other.scores.get(name)) for name in names}
    notes = [f"measured on {len(found)} questions of {b.data or a.data or 'the same examples'}"]
    notes += [f"{left} more are left out: one of the two was trained on them"] if left else []
    return ModelComparison(first, second, settings, facts, scores, other.compare(one), tuple(found), tuple(notes))


def _nothing(first: str, second: str, left: int) -> str:
    why = "every question that both were asked stands in the training rows of one" if left else "no question in common"
    return f"{why}: evaluate both on the same examples, %cypher_eval {second} --against {first}"


def _reports(first: str, second: str) -> list[tuple[Report, Report]]:
    """The pairs of reports that tell about both models: made together, or each alone."""
    own = {name: _own(name) for name in (first, second)}
    one, other = own[first], own[second]
    pairs = [(one, other)]
    if one is not None and one.against is not None and one.against.model == second:
        pairs.append((one, one.against))
    if other is not None and other.against is not None and other.against.model == first:
        pairs.append((other.against, other))
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def _own(name: str) -> Report | None:
    from cypher_magic.evaluation.saved import read_report
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.training.runs import find_run

    if name in UNTUNED:
        return None
    path = find_run(name).folder / "report.json"
    return read_report(path) if path.is_file() else None


def untuned(name: str, runs: Sequence[str]) -> Untuned:
    """`base` or `starter` as a column beside runs: what it was made of, and its scores in the report of one of them.

    Raises OptionError where no run was evaluated against it.
    """
    import json

    from cypher_magic.model.catalogue import STARTER
    from cypher_magic.model.starter import STARTER as FOLDER
    from cypher_magic.training.run_table import Untuned

    if not runs:
        raise OptionError(
            f"{name} is compared with a run, and none is named.", hint=f"%finetune compare RUN {name}; %finetune list"
        )
    reports = [report for run in runs if (report := _own(run)) is not None]
    beside = next((r for r in reports if r.against is not None and r.against.model == name), None)
    if beside is None or beside.against is None:
        raise OptionError(
            f"{runs[0]} was not measured beside {name} yet.", hint=f"%cypher_eval {runs[0]} --against {name} does that"
        )
    scores = {key.replace("_", " "): round(score.value, 4) for key, score in beside.against.scores.items()}
    measured = {"scores": scores, "evaluation": {"data": beside.data}}
    if name != STARTER:
        return Untuned(name, "not tuned", measured)
    card = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    return Untuned(name, "comes with the package", {**card, **measured}, card.get("settings") or {})


Rows = tuple[tuple[str, str, str], ...]


def _differences(first: str, second: str) -> tuple[Rows, Rows]:
    """The settings in which two runs differ, and what came of each; nothing where one is no run."""
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.training.run_table import compare
    from cypher_magic.training.runs import find_run
    from cypher_magic.training.settings import TrainingSettings

    if first in UNTUNED or second in UNTUNED:
        return (), ()
    table = compare([find_run(first), find_run(second)])
    keys = TrainingSettings().to_dict()
    rows = [(str(name), _text(values.iloc[0]), _text(values.iloc[1])) for name, values in table.iterrows()]
    settings = tuple(r for r in rows if r[0] in keys and r[1] != r[2])
    taken = ("same examples as the first", *(k for r in (first, second) for k in find_run(r).card.get("scores") or {}))
    facts = tuple(r for r in rows if r[0] not in keys and r[0] not in taken and any(r[1:]))
    return settings, facts


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _accuracy(run: Run) -> str:
    """The execution accuracy of the last evaluation with its interval (exact match without a graph), or ""."""
    scores: Any = (run.card.get("evaluation") or {}).get("scores") or {}
    for name, told in (("execution_accuracy", ""), ("exact_match", " exact match")):
        found = scores.get(name)
        if isinstance(found, dict) and isinstance(found.get("value"), int | float):
            return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]{told}"
    return ""


def outcomes(comparison: ModelComparison) -> Sequence[tuple[str, str]]:
    """The outcomes of a comparison in words with their numbers, and the name of each."""
    first, second = comparison.first, comparison.second
    told = {
        "second": f"only {second} answers",
        "first": f"only {first} answers",
        "neither": "neither answers",
        "both": "both answer",
    }
    return [(f"{text} ({len(comparison.of(name))})", name) for name, text in told.items()]
