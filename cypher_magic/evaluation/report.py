"""How good a model is on held-out examples: scores with intervals, kinds of errors, breakdowns, the next examples."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import DataError
from cypher_magic.evaluation import page
from cypher_magic.evaluation.metrics import Score, exact_match, google_bleu, mean, percentile, share
from cypher_magic.evaluation.significance import Comparison, compared
from cypher_magic.evaluation.taxonomy import KINDS
from cypher_magic.graph.frame import whole
from cypher_magic.graph.values import printable

if TYPE_CHECKING:
    import pandas as pd

    from cypher_magic.data.example import Example
    from cypher_magic.evaluation.judge import Prediction

SHARES = (
    "execution_accuracy",
    "executable",
    "syntax_valid",
    "schema_valid",
    "read_only",
    "result_f1",
    "google_bleu",
    "exact_match",
)
SECONDS = ("seconds_median", "seconds_p95")
GROUPS = {"family": "family", "hops": "hops", "seen": "the training rows have"}


@dataclass(frozen=True)
class Report:
    """The scores of one model on one set of examples; `against` is the same for the model it is compared with.

    Each score has `.value`, `.low`, `.high` (95 %) and `.n`. `data` names the examples, `notes` what to know. When the
    model was trained on what `against` missed, `learnt_from` is that model's name, and the comparison leaves out the
    questions (by their place) that one of the two was `trained_on`.
    """

    model: str
    predictions: tuple[Prediction, ...]
    against: Report | None = field(default=None, repr=False)
    data: str = ""
    notes: tuple[str, ...] = ()
    learnt_from: str = ""
    trained_on: frozenset[int] = frozenset()
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"), compare=False)

    @cached_property
    def execution_accuracy(self) -> Score:
        """Share of queries with the right rows, of those whose reference runs (Wilson's interval)."""
        return share([p.right for p in self.predictions if p.right is not None])

    @cached_property
    def executable(self) -> Score:
        """Share of queries that ran inside the read-only gate (Wilson's interval)."""
        return share([p.executable for p in self.predictions if p.executable is not None])

    @cached_property
    def syntax_valid(self) -> Score:
        """Share of queries that can be read (Wilson's interval)."""
        return share([p.syntax_valid for p in self.predictions])

    @cached_property
    def schema_valid(self) -> Score:
        """Share of queries that pass all checks against the schema (Wilson's interval)."""
        return share([p.schema_valid for p in self.predictions if p.schema_valid is not None])

    @cached_property
    def read_only(self) -> Score:
        """Share of queries that only read (Wilson's interval)."""
        return share([p.read_only for p in self.predictions])

    @cached_property
    def result_f1(self) -> Score:
        """Mean F1 of the returned rows, of those whose reference runs (bootstrap interval)."""
        return mean([p.f1 for p in self.predictions if p.f1 is not None])

    @cached_property
    def google_bleu(self) -> Score:
        """Corpus Google-BLEU of the query texts (bootstrap interval)."""
        return google_bleu([(p.query, p.reference) for p in self.predictions])

    @cached_property
    def exact_match(self) -> Score:
        """Share of queries equal to the reference (Wilson's interval)."""
        return exact_match([(p.query, p.reference) for p in self.predictions])

    @cached_property
    def seconds_median(self) -> Score:
        """Median seconds for a question (bootstrap interval); answered in batches, the batch's time shared out."""
        return percentile(self._seconds, 0.5)

    @cached_property
    def seconds_p95(self) -> Score:
        """Seconds within which 95 % of the questions were answered (bootstrap interval); as `seconds_median`."""
        return percentile(self._seconds, 0.95)

    @property
    def _seconds(self) -> list[float]:
        return [p.seconds for p in self.predictions if p.seconds is not None]

    @property
    def right(self) -> int:
        """How many queries returned the right rows."""
        return sum(bool(p.right) for p in self.predictions)

    @property
    def scores(self) -> dict[str, Score]:
        """All scores by name, those without rows left out."""
        found = {name: getattr(self, name) for name in (*SHARES, *SECONDS)}
        return {name: score for name, score in found.items() if score.n}

    @property
    def errors(self) -> dict[str, int]:
        """How many misses there are of each kind (`taxonomy.KINDS`), the most frequent first."""
        counts = Counter(p.kind for p in self.predictions if p.kind)
        return dict(sorted(counts.items(), key=lambda kind: (-kind[1], list(KINDS).index(kind[0]))))

    def by(self, group: str) -> dict[str, Score]:
        """The execution accuracy (exact match without a graph) of each `family`, number of `hops`, or as `seen`."""
        if group not in GROUPS:
            raise DataError(f"There is no breakdown by {group}.", hint=", ".join(GROUPS))
        found: dict[str, list[bool]] = {}
        for p in self.predictions:
            name = str(getattr(p, group))
            hit = p.right if self.execution_accuracy.n else not p.missed
            if name and hit is not None:
                found.setdefault(name, []).append(hit)
        names = sorted(found, key=lambda n: n if group != "family" else (-len(found[n]), n))
        return {name: share(found[name]) for name in names}

    def compare(self, earlier: Report) -> Comparison:
        """Whether this model is better than that of an earlier report, on the questions that both were asked.

        Raises DataError where they have none in common.
        """
        before = {asked(p): p for p in earlier.predictions}
        skipped = self.trained_on if earlier.model == self.learnt_from else frozenset()
        fair = [p for i, p in enumerate(self.predictions) if i not in skipped]
        both = [(before[asked(p)], p) for p in fair if asked(p) in before]
        if not both and not skipped:
            raise DataError(
                f"The reports on {earlier.model} and {self.model} have no question in common.",
                hint="evaluate both on the same examples",
            )
        rows = [(a.right, b.right) for a, b in both if a.right is not None and b.right is not None]
        if not rows:  # no graph: texts are all there is
            rows = [(not a.missed, not b.missed) for a, b in both]
        first, second = earlier.model, self.model
        return compared(*((first, second) if first != second else (f"{first} before", f"{second} now")), rows)

    @property
    def comparison(self) -> Comparison | None:
        """The comparison with the model it was evaluated against, or None."""
        return self.compare(self.against) if self.against is not None else None

    def corrections(self) -> list[Example]:
        """The missed questions with their reference queries, as examples for the next run.

        What a model was trained on measures it no more: evaluate the next run on other questions.
        """
        return [p.correction for p in self.predictions if p.missed]

    to_examples = corrections

    @property
    def df(self) -> pd.DataFrame:
        """One row per question: the reference, each model's query, whether its rows were right, and why not."""
        import pandas as pd

        rows = []
        for i, p in enumerate(self.predictions):
            row: dict[str, object] = {"question": p.question, "reference": p.reference}
            for model in self.models:
                q = model.predictions[i]
                row |= {
                    f"{model.model}: query": q.query,
                    f"{model.model}: right": q.right,
                    f"{model.model}: error": q.error or q.kind,
                }
            rows.append(row | {"family": p.family, "hops": p.hops})
        return whole(pd.DataFrame(rows))

    @property
    def misses(self) -> pd.DataFrame:
        """One row per missed question: kind, question, reference, query, what came, what was expected, the error."""
        import pandas as pd

        names = ("kind", "question", "reference", "query", "came", "expected", "error", "family", "hops")
        rows = [[getattr(p, n) for n in names] for p in self.predictions if p.missed]
        return whole(pd.DataFrame(rows, columns=list(names)))

    @property
    def models(self) -> list[Report]:
        """The report that this one is compared with, if there is one, and this one."""
        return [self.against, self] if self.against is not None else [self]

    @property
    def lines(self) -> list[str]:
        """What is to be said below the table of scores."""
        count = len(self.predictions)
        about = f"{count} question{'' if count == 1 else 's'}{f' of {self.data}' if self.data else ''}"
        found = self.comparison
        said = ([self._helped(found)] if self.learnt_from else [found.sentence]) if found else []
        return [f"{about}; 95 % intervals in brackets", *said, *self.notes]

    def _helped(self, found: Comparison) -> str:
        """The one line on whether learning from another model's misses helped."""
        count = len(self.trained_on)
        out = f"; {count} question{'s'[: count != 1]} that one of them was trained on left out" if count else ""
        return f"{found.helped} ({self.model} against {self.learnt_from}, from whose misses it learnt{out})"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "model": self.model,
            "when": self.when,
            "data": self.data,
            "questions": len(self.predictions),
            "notes": list(self.notes),
            "scores": {name: score.to_dict() for name, score in self.scores.items()},
            "errors": self.errors,
            "breakdowns": {g: {name: s.to_dict() for name, s in self.by(g).items()} for g in GROUPS},
            "comparison": found.to_dict() if (found := self.comparison) else None,
            "helped": self._helped(found) if found and self.learnt_from else None,
            "predictions": [p.to_dict() for p in self.predictions],
            "against": self.against.to_dict() if self.against else None,
        }

    def to_json(self) -> str:
        """Everything as JSON text: scores with intervals, errors, breakdowns, comparison, every prediction."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, default=str)

    def to_html(self) -> str:
        """The report as a page of its own that asks nothing of the network."""
        return page.document(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write report.html and report.json into a folder, each in one step, and return their paths."""
        target = Path(folder).expanduser()
        texts = {target / "report.html": self.to_html(), target / "report.json": self.to_json()}
        try:
            target.mkdir(parents=True, exist_ok=True)
            for path, text in texts.items():
                write(path, text)
        except OSError as exc:
            raise DataError(
                f"The report can not be written to {target}: {exc.strerror or exc}.",
                hint="is the disk full, or the folder write-protected?",
            ) from exc
        return list(texts)

    def __repr__(self) -> str:
        parts = [_columns(page.scores(self))]
        parts += ["\n".join(map(printable, self.lines))]
        parts += [_columns(rows) for rows in page.breakdowns(self)]
        if any(model.errors for model in self.models):
            parts.append(_columns(page.errors(self)))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        return page.fragment(self)


def write(path: Path, text: str) -> None:
    """Write a file in one step: a reader finds the old one or the new one, whole."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text, encoding="utf-8", errors="replace")  # a lone surrogate must not cost the report
        fresh.replace(path)
    except OSError:
        if fresh.is_file():
            fresh.unlink()
        raise


def asked(p: Prediction) -> tuple[str, ...]:
    """What makes a prediction one of the same question: its words, those of the turns before it, and the reference."""
    turns = p.example.history if p.example is not None else ()
    return (*(t.question for t in turns), p.question, p.reference)


def _columns(rows: list[tuple[str, ...]]) -> str:
    """Rows as text in columns."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
