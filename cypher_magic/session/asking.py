"""Questions to the current graph."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cypher_magic.session import state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from cypher_magic.asking.answer import Answer
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.model.backbones import Progress


def ask(
    question: str,
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    run: bool = True,
    retries: int = 1,
    limit: int = 1000,
    timeout: float = 30.0,
    allow: Sequence[str] = (),
    stream: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The answer to a question about the current graph, from the current model or the run called `model`."""
    from cypher_magic.asking.ask import ask as answer
    from cypher_magic.asking.ask import checked

    question = checked(question)  # before a model is loaded for it
    graph = state.connection(connection)
    return answer(
        question,
        model=state.model(model, progress),
        graph=graph,
        run=run,
        retries=retries,
        limit=limit,
        timeout=timeout,
        allow=allow,
        stream=stream,
    )


def ask_many(
    questions: Sequence[str],
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    limit: int = 1000,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The answers to many questions, one row each: question, query, rows, answer (the `Answer`), complaint."""
    from cypher_magic.asking.answer import as_frame
    from cypher_magic.asking.ask import ask_many as answer

    graph = state.connection(connection)
    live = state.model(model, progress)
    tell = partial(progress, f"{live.name} answers") if progress else None
    answers = answer(questions, model=live, graph=graph, limit=limit, timeout=timeout, progress=tell)
    return as_frame(answers)
