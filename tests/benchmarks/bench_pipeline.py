"""Right rows on the demo graph: the model alone, under constraint, and with the whole pipeline, side by side.

    python tests/benchmarks/bench_pipeline.py [--model starter] [--rows 100] [--seed 991] [--nothing]

The questions are generated from the graph with their reference queries; a query is right when it brings the same rows.
With `--nothing` they are asked about other names, of which the graph has nothing: right is an answer that says so.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cypher_magic
from cypher_magic.asking.ask import Rules, ask_many
from cypher_magic.asking.values import is_empty
from cypher_magic.data.pairs import Pair
from cypher_magic.query.compare import same_rows
from cypher_magic.session import state

WAYS = {
    "model alone": Rules(retries=0, near="off", constrain="off"),
    "constrained": Rules(retries=0, near="off"),
    "whole pipeline": Rules(),
}


_NAMED = re.compile(r"\(\w*:(\w+) \{(\w+): '([^'\\]+)'\}\)")


def about_nothing(pairs: Sequence[Pair], graph: Any, seed: int) -> Iterator[Pair]:
    """The pairs with one name each, exchanged for another of its label of which the query finds nothing."""
    draw = random.Random(seed)
    for pair in pairs:
        found = _NAMED.findall(pair.query)
        if len(found) != 1 or found[0][2] not in pair.question or "shortestPath" in pair.query:
            continue
        label, name, value = found[0]
        rows = graph.read(f"MATCH (n:{label}) RETURN n.{name}").rows
        others = [row[0] for row in rows if row[0].isascii() and "'" not in row[0]]
        for other in draw.sample(others, min(20, len(others))):
            query = pair.query.replace(value, other)
            if is_empty(graph.read(query)):
                yield replace(pair, question=pair.question.replace(value, other), query=query)
                break


def main() -> None:
    """Print one line per way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--seed", type=int, default=991)
    parser.add_argument("--nothing", action="store_true", help="questions to which the answer is nothing")
    given = parser.parse_args()
    graph = cypher_magic.connect("demo")
    pairs = cypher_magic.generate_pairs(given.rows * 3, seed=given.seed).examples
    own = [pair for pair in pairs if not pair.history]
    own = (list(about_nothing(own, graph, given.seed)) if given.nothing else own)[: given.rows]
    print(f"{len(own)} questions, seed {given.seed}, model {given.model}")
    print(f"{'':<16}{'right rows':>12}{'no query':>10}{'nothing':>9}{'tried again':>13}{'seconds':>9}")
    for name, rules in WAYS.items():
        started = time.perf_counter()
        answers = ask_many([p.question for p in own], model=state.model(given.model), graph=graph, rules=rules)
        seconds = time.perf_counter() - started
        rows = [answer.result.rows if answer.result is not None else None for answer in answers]
        right = sum(r is not None and same_rows(r, graph.read(p.query).rows) for r, p in zip(rows, own, strict=True))
        if given.nothing:
            right = sum(answer.result is not None and is_empty(answer.result) for answer in answers)
        empty = sum(answer.result is not None and is_empty(answer.result) for answer in answers)
        again = sum(len(answer.attempts) > 1 for answer in answers)
        print(f"{name:<16}{right:>12}{rows.count(None):>10}{empty:>9}{again:>13}{seconds:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
