"""Measuring how good a run is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import OptionError
from cypher_magic.session import state
from cypher_magic.session.training import load_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.evaluation.report import Report
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.model.backbones import Progress
    from cypher_magic.training.runs import Run


def evaluate(
    run: str | Run | None = None,
    data: Any = None,
    against: str | None = None,
    *,
    connection: str | Connection | None = None,
    progress: Progress | None = None,
) -> Report:
    """Scores of a run on held-out examples (its own validation rows without `data`), beside another model's.

    `against` is the name of another run, or `base` for the untuned default backbone. Each query runs read-only on the
    current graph; without a graph only the text metrics are there.
    """
    from dataclasses import replace

    from cypher_magic.asking.live import newest_run

    name = run if isinstance(run, str) else run.name if run is not None else state.SESSION.run or newest_run()
    examples = _held_out(name, data)
    graph = state.connection(connection) if connection is not None or state.SESSION.current is not None else None
    other = _scored(against, examples, graph, progress) if against else None
    return replace(_scored(name, examples, graph, progress), against=other)


def _held_out(name: str, data: Any) -> Sequence[Example]:
    from cypher_magic.data.read import Dataset
    from cypher_magic.training.runs import find_run

    if data is None:
        examples: Sequence[Example] = find_run(name).examples("val")
    elif isinstance(data, Dataset):
        examples = data.val or data.train
    else:
        examples = load_examples(data).train
    if not examples:
        raise OptionError(f"Run {name} has no validation examples.", hint="give a file with held-out examples")
    return examples


def _schema_of_run(name: str) -> str | None:
    from cypher_magic.asking.live import UNTUNED
    from cypher_magic.training.runs import find_run

    return None if name in UNTUNED else find_run(name).card["schema"]


def _scored(name: str, examples: Sequence[Example], graph: Connection | None, progress: Progress | None) -> Report:
    from cypher_magic.asking.ask import examine
    from cypher_magic.evaluation.report import score

    model = state.model(name, progress)
    live = graph.schema() if graph else None
    schema = live.render() if live else _schema_of_run(name)
    asked = [model.prompt.ask(e.question, e.schema or schema, e.history) for e in examples]
    tell = partial(progress, f"{name} answers") if progress else None
    replies = model.complete_many(asked, progress=tell)
    queries = [
        examine(r.text, live, e.question).query if live else r.text for e, r in zip(examples, replies, strict=True)
    ]
    return score(name, examples, queries, graph, partial(progress, f"{name} runs") if progress else None)
