"""Question/query pairs made from the current graph, on this machine or with a teacher's help."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from cypher_magic import places
from cypher_magic.errors import NotReadOnly, OptionError
from cypher_magic.session import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.generate.maker import Answered
    from cypher_magic.data.pairs import Pairs
    from cypher_magic.data.teacher import Cost
    from cypher_magic.data.teacher_add import Adding
    from cypher_magic.data.teacher_rewrite import Rewriting
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.model.backbones import Progress

_SECONDS = 1.0  # for a query of a teacher's, as a rule


def generate_pairs(
    rows: int = 600,
    *,
    connection: str | Connection | None = None,
    teacher: str | None = None,
    teacher_model: str | None = None,
    teacher_mode: Literal["rewrite", "add"] = "rewrite",
    teacher_rows: int = 200,
    keep_values_home: bool = False,
    prices: tuple[float, float] | None = None,
    confirm: Callable[[Cost], bool] | None = None,
    tell: Progress | None = None,
    **options: Any,
) -> Pairs:
    """Question/query examples made from the current graph, each query run and its rows not empty.

    `teacher` is an OpenAI-compatible server (`http://HOST:PORT/v1#MODEL`, or a name in endpoints.toml; `teacher_model`
    names the model too). It words up to `teacher_rows` of the pairs anew, or with `teacher_mode="add"` writes as many
    new pairs, which are kept when they pass every check and bring rows back. Only the schema and values of these pairs
    are sent; with `keep_values_home` placeholders instead of values. `confirm` is asked with the `Cost` before anything
    is sent (`prices`: per million tokens there and back); replies are kept, so that the same work costs nothing the
    second time. What came of it is in `.report`. `tell` is called with how far all of this is.
    """
    from cypher_magic.data.pairs import STOPPED
    from cypher_magic.data.pairs import generate_pairs as generate
    from cypher_magic.model.backbones import stage

    graph = state.connection(connection)
    if teacher_mode not in ("rewrite", "add"):
        raise OptionError(f"A teacher can not {teacher_mode}.", hint="rewrite or add")
    there = None
    if teacher is not None:
        from cypher_magic.model.teacher import teacher as open_teacher

        there = open_teacher(teacher, teacher_model)  # a wrong address is told before the pairs are made
    if tell is not None:
        options = {"progress": partial(tell, "making pairs"), **options}
    with stage(tell, "reading the graph"):
        pairs = generate(graph, rows, **options)
    if there is None:
        return pairs
    if pairs.note == STOPPED:  # who stops it wants no teacher to be asked
        there.close()
        return pairs
    work: Rewriting | Adding
    if teacher_mode == "rewrite":
        from cypher_magic.data.teacher_rewrite import Rewriting

        work = Rewriting(pairs.examples, keep_values_home)
    else:
        work = _adding(graph, pairs, keep_values_home, options.get("seed", 0))
    return _taught(pairs, work, there, teacher_rows, prices, confirm, tell)


def _taught(
    pairs: Pairs,
    work: Rewriting | Adding,
    there: Any,
    most: int,
    prices: tuple[float, float] | None,
    confirm: Callable[[Cost], bool] | None,
    tell: Progress | None,
) -> Pairs:
    from cypher_magic.data.teacher import Cache, Taught, cost_of, teach

    requests = work.requests(most)
    cache = Cache(places.cache_dir() / "teacher", there.identity)
    cost = cost_of(requests, cache, prices)
    if cost.requests and confirm is not None and not confirm(cost):
        return replace(pairs, report=Taught(there.name, cost, note="Not asked."))
    name = f"{there.name} answers"
    try:
        more, report = teach(
            requests,
            there.complete,
            work.accept,
            cache,
            name=there.name,
            cost=cost,
            progress=(lambda done, total: tell(name, done, total)) if tell else None,
        )
    finally:
        there.close()
    report = replace(report, failed={**report.failed, **work.skipped})
    return replace(pairs, examples=[*pairs.examples, *more], report=report)


def _adding(graph: Connection, pairs: Pairs, values_stay: bool, seed: int) -> Adding:
    from cypher_magic.data.generate.sample import facts_of
    from cypher_magic.data.pairs import running, unwanted
    from cypher_magic.data.teacher_add import Adding

    run = running(graph, _SECONDS)

    def rows_of(query: str) -> Answered | str:
        try:
            found = run(query)
        except NotReadOnly:  # the server's own word, where our gate had nothing against it
            return "it does not only read"
        return found if isinstance(found, str) else unwanted(found.rows, "") or found

    return Adding(facts_of(graph, seed=seed), rows_of, pairs.examples, values_stay, seed)
