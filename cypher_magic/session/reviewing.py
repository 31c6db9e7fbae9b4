"""Examples to go through one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import NotReadOnly, OptionError, RunNotFound
from cypher_magic.session import state
from cypher_magic.session.training import load_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.data.doubt import Disagrees
    from cypher_magic.data.example import Example
    from cypher_magic.data.review import Review
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.model.backbones import Progress

ROWS, SECONDS = 50, 10.0  # of a query that is looked at


def review(
    data: Any,
    *,
    decisions: str | Path | None = None,
    disagrees: str | Disagrees | None = None,
    model: str | None = None,
    connection: str | Connection | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Review:
    """A queue of examples to accept, edit or reject, the most doubtful first; it goes on where it was left.

    `data` is a file, or whatever else `load_examples` takes (also a Dataset, or pairs). Decisions are kept beside the
    file (pairs.jsonl: pairs.review.jsonl), or in `decisions`; without both they are not kept. `disagrees` is a column
    of the file or a function that says how much a model disagrees (yes/no, 0 to 1, or the query it wrote). `model` (a
    run, `starter`, an address) disagrees where it answers otherwise: it is asked now, but for questions that its last
    evaluation tells about. Queries run read-only on the current graph. Raises DataError as `load_examples`
    does, and where the kept decisions can not be read.
    """
    from cypher_magic.data.decisions import beside
    from cypher_magic.data.lint import Lint
    from cypher_magic.data.review import Review

    graph = state.connection(connection) if connection is not None or state.SESSION.current is not None else None
    is_file = isinstance(data, Path) or (isinstance(data, str) and "\n" not in data and not data.startswith("hf:"))
    if decisions is None and is_file:
        decisions = beside(data)
    schema = graph.schema() if graph is not None else None
    examples = _examples(data, schema, options)
    values = _columns(data, disagrees) if is_file else None
    if isinstance(disagrees, str) and values is None:
        raise OptionError("Only a file has columns.", hint="give a function: disagrees=lambda example: ...")
    return Review(
        examples,
        decisions,
        lint=Lint(schema),
        disagrees=_model_says(model, examples, graph, progress) if model else _of_column(disagrees, values),
        families=(lambda e: values.get((e.source, e.row), ("", ""))[0]) if values else None,
        rows=_rows(graph) if graph is not None else None,
    )


def _examples(data: Any, schema: Any, options: dict[str, Any]) -> Sequence[Example]:
    from cypher_magic.data.example import Example
    from cypher_magic.data.pairs import Pairs
    from cypher_magic.data.read import Dataset

    if isinstance(data, Dataset):
        return [*data.train, *data.val]
    if isinstance(data, Pairs):
        return data.examples
    if isinstance(data, list | tuple) and data and all(isinstance(e, Example) for e in data):
        return data
    loaded = load_examples(data, schema=schema, **options)
    return [*loaded.train, *loaded.val]


Values = dict[tuple[str | None, int | None], tuple[str, Any]]  # (source, row) -> family, what the model says


def _columns(path: str | Path, disagrees: Any) -> Values:
    """What a file says about its rows besides question and query."""
    from cypher_magic.data.sources import tables

    column = disagrees if isinstance(disagrees, str) else ""
    found: Values = {}
    for table in tables(path):
        if column and column not in table.columns:
            raise OptionError(f"{table.source} has no column {column}.", hint=f"it has {', '.join(table.columns[:12])}")
        for row in table.rows:
            family = row.values.get("family") or row.values.get("kind")
            told = row.values.get(column)
            plain = told if isinstance(told, str | float | int) else ""
            found[table.source, row.number] = (family if isinstance(family, str) else "", plain)
    return found


def _of_column(disagrees: str | Disagrees | None, values: Values | None) -> Disagrees | None:
    if not isinstance(disagrees, str):
        return disagrees
    told = values or {}
    return lambda e: told.get((e.source, e.row), ("", ""))[1]


def _model_says(
    model: str, examples: Sequence[Example], graph: Connection | None, progress: Progress | None
) -> Disagrees:
    """Whether a model gives other rows than the example's query (another text, where there is no graph)."""
    from cypher_magic.session.evaluating import evaluate

    missed = _known(model)
    fresh = [e for e in examples if _said(e) not in missed]
    if fresh:
        report = evaluate(model, fresh, connection=graph, save=False, progress=progress)
        missed |= {_said(e): p.missed for e, p in zip(fresh, report.predictions, strict=True)}
    return lambda e: missed.get(_said(e), False)


def _known(model: str) -> dict[tuple[str, ...], bool]:
    """What a run's last evaluation says about its questions; nothing for what is no run or was not evaluated."""
    from cypher_magic.session.comparing import saved_report

    try:
        found = saved_report(model).predictions
    except (OptionError, RunNotFound):
        return {}
    return {_said(p.correction): p.missed for p in found}


def _said(example: Example) -> tuple[str, ...]:
    return (*(t.question for t in example.history), example.question, example.query)


def _rows(graph: Connection) -> Callable[[str], QueryResult]:
    """Runs a query of an example, which anyone may have written: only what the gate lets through, and not for long."""

    def rows(query: str) -> QueryResult:
        from cypher_magic.query.readonly import read_only

        refused = read_only(query)
        if refused:
            raise NotReadOnly(f"The query is not run: {refused[0]}", hint="edit it, or reject the pair")
        return graph.read(query, limit=ROWS, timeout=SECONDS)

    return rows
