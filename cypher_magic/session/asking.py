"""Questions to the current graph."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cypher_magic.session import state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from cypher_magic.asking.answer import Answer
    from cypher_magic.asking.conversation import Conversation
    from cypher_magic.asking.work import Rules
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.model.backbones import Progress


def ask(
    question: str,
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    new: bool = False,
    follow_up: bool | None = None,
    run: bool = True,
    retries: int = 2,
    limit: int = 1000,
    timeout: float = 30.0,
    allow: Sequence[str] = (),
    near: str = "apply",
    constrain: str = "schema",
    beams: int = 1,
    page: int = 20,
    show_steps: bool = False,
    stream: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The answer to a question about the current graph, from the current model or the run called `model`.

    A question that goes on from the one before it ("and which of them ...") is asked with the turns of the conversation
    on this connection; `follow_up` says so where its words do not, and `new` starts over. `near` applies or offers
    values of the graph that are near to those a query looks for in vain; `constrain` is schema, syntax or off; with
    `beams` above 1 the most likely of several replies is taken, which costs time; `page` rows are shown at once.
    """
    from cypher_magic.asking.ask import ask as answer
    from cypher_magic.asking.ask import checked
    from cypher_magic.asking.live import unfinished
    from cypher_magic.asking.work import Rules

    question = checked(question)  # before a model is loaded for it
    rules = Rules(limit, timeout, run, tuple(allow), retries, near, constrain, beams, page)
    graph = state.connection(connection)
    live = state.model(model, progress)
    talk = state.conversation(graph)
    if new:
        talk.clear()
    turns = talk.turns_for(question, follow_up)
    found = answer(question, model=live, graph=graph, history=turns, rules=rules, stream=stream, progress=progress)
    notes = (*found.notes, *unfinished(live.name))
    found = replace(found, notes=notes, show_steps=show_steps, again=partial(_edited, graph, rules))
    talk.add(found)
    return found


def ask_many(
    questions: Sequence[str],
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    run: bool = True,
    retries: int = 2,
    limit: int = 1000,
    timeout: float = 30.0,
    allow: Sequence[str] = (),
    near: str = "apply",
    constrain: str = "schema",
    beams: int = 1,
    page: int = 20,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The answers to many questions, one row each: question, query, rows, answer (the `Answer`), complaint.

    Each is a question of its own: no conversation goes in, and none is changed.
    """
    from cypher_magic.asking.answer import as_frame
    from cypher_magic.asking.ask import ask_many as answer
    from cypher_magic.asking.ask import checked
    from cypher_magic.asking.live import unfinished
    from cypher_magic.asking.work import Rules

    texts = [checked(question) for question in questions]
    rules = Rules(limit, timeout, run, tuple(allow), retries, near, constrain, beams, page)
    graph = state.connection(connection)
    live = state.model(model, progress)
    tell = partial(progress, f"asking {live.name}") if progress else None
    if tell:
        tell(0, len(texts))
    answers = answer(texts, model=live, graph=graph, rules=rules, progress=tell)
    still = unfinished(live.name)
    return as_frame([replace(a, notes=(*a.notes, *still), again=partial(_edited, graph, rules)) for a in answers])


def conversation(connection: str | Connection | None = None, *, new: bool = False) -> Conversation:
    """The questions and queries of the current graph's conversation; `new` starts it over."""
    talk = state.conversation(state.connection(connection))
    if new:
        talk.clear()
    return talk


def _edited(graph: Connection, rules: Rules, answer: Answer, query: str) -> Answer:
    from cypher_magic.asking.work import answered_by

    new = replace(answered_by(query, answer, graph, rules), again=answer.again, show_steps=answer.show_steps)
    state.conversation(graph).exchange(answer, new)
    return new
