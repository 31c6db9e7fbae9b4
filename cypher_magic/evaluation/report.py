"""How good a model is on held-out examples: run its queries beside the reference queries and count."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cypher_magic.errors import NotReadOnly, QueryFailed
from cypher_magic.evaluation.metrics import Score, exact_match, google_bleu, share
from cypher_magic.query.compare import same_rows
from cypher_magic.query.readonly import read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from cypher_magic.data.example import Example
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult

ROWS_COMPARED = 10_000
TIMEOUT = 20.0
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)  # as CypherBench decides whether row order counts


@dataclass(frozen=True)
class Prediction:
    """One held-out example with the model's query.

    `executable`: it ran inside the read-only gate; `right`: its rows are the reference's (None: no graph, or the
    reference itself does not run); `error`: why it did not run.
    """

    question: str
    reference: str
    query: str
    executable: bool | None = None
    right: bool | None = None
    error: str = ""


@dataclass(frozen=True)
class Report:
    """The scores of one model on one set of examples; `against` is the same for the model it is compared with."""

    model: str
    predictions: tuple[Prediction, ...]
    against: Report | None = field(default=None, repr=False)

    @property
    def google_bleu(self) -> Score:
        """Corpus Google-BLEU of the query texts."""
        return google_bleu([(p.query, p.reference) for p in self.predictions])

    @property
    def exact_match(self) -> Score:
        """Share of queries equal to the reference."""
        return exact_match([(p.query, p.reference) for p in self.predictions])

    @property
    def executable(self) -> Score:
        """Share of queries that ran."""
        return share([p.executable for p in self.predictions if p.executable is not None])

    @property
    def execution_accuracy(self) -> Score:
        """Share of queries with the right rows, of those whose reference runs."""
        return share([p.right for p in self.predictions if p.right is not None])

    @property
    def right(self) -> int:
        """How many queries returned the right rows."""
        return sum(bool(p.right) for p in self.predictions)

    @property
    def df(self) -> pd.DataFrame:
        """One row per question: the reference, each model's query, whether its rows were right, and why not."""
        import pandas as pd

        rows = []
        for i, p in enumerate(self.predictions):
            row: dict[str, object] = {"question": p.question, "reference": p.reference}
            for model in [self.against, self] if self.against else [self]:
                q = model.predictions[i]
                row |= {
                    f"{model.model}: query": q.query,
                    f"{model.model}: right": q.right,
                    f"{model.model}: error": q.error,
                }
            rows.append(row)
        return pd.DataFrame(rows)

    def _table(self) -> list[tuple[str, ...]]:
        models = [self.against, self] if self.against else [self]
        rows = [("", *(m.model for m in models))]
        for name in ("execution_accuracy", "executable", "google_bleu", "exact_match"):
            scores = [getattr(m, name) for m in models]
            if any(s.n for s in scores):
                rows.append((name.replace("_", " "), *(_shown(s) for s in scores)))
        return rows

    def __repr__(self) -> str:
        rows = self._table()
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, f"{len(self.predictions)} questions; 95 % intervals in brackets"])

    def _repr_html_(self) -> str:
        head, *body = self._table()
        cells = "".join(f"<th style='text-align:left'>{html.escape(c)}</th>" for c in head)
        rows = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(c)}</td>" for c in r) + "</tr>" for r in body
        )
        note = f"{len(self.predictions)} questions; 95 % intervals in brackets"
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table><small>{note}</small>"


def _shown(score: Score) -> str:
    return f"{score.value:.3f} [{score.low:.2f}, {score.high:.2f}]" if score.n else "-"


def score(
    name: str,
    examples: Sequence[Example],
    queries: Sequence[str],
    graph: Connection | None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Run each query and its reference on the graph (read-only, each with a time limit) and compare their rows."""
    predictions = []
    for number, (example, query) in enumerate(zip(examples, queries, strict=True)):
        predictions.append(_judged(example, query.strip(), graph))
        if progress is not None:
            progress(number + 1, len(queries))
    return Report(name, tuple(predictions))


def _judged(example: Example, query: str, graph: Connection | None) -> Prediction:
    if graph is None:
        return Prediction(example.question, example.query, query)
    wanted, _ = _rows(example.query, graph)
    got, error = _rows(query, graph)
    right = None
    if wanted is not None:
        right = got is not None and same_rows(got.rows, wanted.rows, ordered=bool(_ORDERED.search(example.query)))
    return Prediction(example.question, example.query, query, got is not None, right, error)


def _rows(query: str, graph: Connection) -> tuple[QueryResult | None, str]:
    refused = read_only(query)
    if refused:
        return None, str(refused[0])
    try:
        return graph.read(query, limit=ROWS_COMPARED, timeout=TIMEOUT), ""
    except (QueryFailed, NotReadOnly) as exc:
        return None, exc.message
