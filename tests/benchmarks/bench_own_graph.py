"""From a graph to a model that answers questions about it: generate, tune, measure on what was held out.

    python tests/benchmarks/bench_own_graph.py [--graph demo] [--rows 600] [--seed 0] [--set epochs=5]

`--graph demo`, `hospital` (that of the tests, a domain that the starter has not seen), or `movies`: the graph of 28
thousand nodes, which is loaded into a Neo4j of its own first. Held out:

    values      kind of query and kind of sentence stand in the training rows, this query does not
    phrasings   the kind of query stands there, the kind of sentence does not
    templates   the kind of query does not stand there
    follow-ups  the question goes on from another one; the query does not stand there

Kinds are those of the generator. Printed for the tuned model and, with `--against`, for others: execution accuracy with
its 95 % interval, executable share. `--keep NAME` keeps the run for a closer look, `--questions FILE` also asks these,
`--misses FILE` writes down what was missed, one JSON line each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cypher_magic
from cypher_magic import places
from cypher_magic.data.generate.maker import Pair

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"


def kind(pair: Pair) -> str:
    """The kind of query."""
    return f"{pair.family}/{pair.template}"


def parts(pool: Sequence[Pair], rows: int, held: int, seed: int) -> dict[str, list[Pair]]:
    """Training rows and the sets held out, each of at most `held` pairs."""
    draw = random.Random(f"held out {seed}")
    rest = [p for p in pool if not p.history]
    templates = held_kinds(sorted({kind(p) for p in rest}), rest, kind, held, draw)
    rest = [p for p in rest if kind(p) not in templates]
    sentences = held_kinds(sorted({p.phrasing for p in rest}), rest, lambda p: p.phrasing, held, draw)
    rest = [p for p in rest if p.phrasing not in sentences]
    follow_ups = [p for p in pool if p.history]
    train = follow_ups[: rows // 10] + rest[: rows - rows // 10]
    kinds, phrasings = {kind(p) for p in train}, {p.phrasing for p in train}
    queries = {p.query for p in train}
    new = [p for p in pool if p.query not in queries]
    single = [p for p in new if not p.history]
    return {
        "train": draw.sample(train, len(train)),
        "values": [p for p in single if kind(p) in kinds and p.phrasing in phrasings][:held],
        "phrasings": [p for p in single if kind(p) in kinds and p.phrasing in sentences][:held],
        "templates": [p for p in single if kind(p) in templates][:held],
        "follow-ups": [p for p in new if p.history][:held],
    }


def held_kinds(names: list[str], pairs: Sequence[Pair], key: Any, held: int, draw: random.Random) -> set[str]:
    """Kinds, drawn at random, that have together about so many pairs."""
    draw.shuffle(names)
    counts = {name: sum(key(p) == name for p in pairs) for name in names}
    chosen: set[str] = set()
    for name in names:
        if sum(counts[n] for n in chosen) >= held:
            break
        chosen.add(name)
    return chosen


@contextmanager
def graph(name: str) -> Iterator[Any]:
    """The connected graph."""
    if name == "demo":
        yield cypher_magic.connect("demo")
        return
    sys.path.insert(0, str(HERE.parents[1]))
    if name == "hospital":
        from cypher_magic.graph import embedded
        from cypher_magic.session import state
        from tests.evaluation import hospital_graph

        kept = embedded.start(name=name)
        hospital_graph.load(kept)
        state.SESSION.connections[name], state.SESSION.current = kept, name
        yield kept
        return
    from tests.graph.big_graphs import load_movies
    from tests.graph.neo4j_server import started

    with tempfile.TemporaryDirectory() as folder:
        server = started(Path(folder), places.cache_dir())
        try:
            os.environ["NEO4J_PASSWORD"] = server.password
            load_movies(server.run, SHARED / "data" / "movies")
            yield cypher_magic.connect(server.uri, user=server.user)
        finally:
            server.stop()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", choices=("demo", "hospital", "movies"), default="demo")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--held", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a training setting")
    parser.add_argument("--against", action="append", default=[], metavar="MODEL", help="base, starter or a run")
    parser.add_argument("--questions", type=Path, action="append", default=[], help="JSONL with hand-written questions")
    parser.add_argument("--keep", default="own-graph", metavar="NAME", help="name of the run")
    parser.add_argument("--only", metavar="RUN", help="measure this run instead of training one")
    parser.add_argument("--misses", type=Path, metavar="FILE", help="write what was missed to this file")
    given = parser.parse_args()
    misses = given.misses.open("w", encoding="utf-8") if given.misses else None
    settings = {"epochs": 3, "probes": 0} | dict(s.split("=", 1) for s in given.set)
    with graph(given.graph):
        began = time.perf_counter()
        pool = cypher_magic.generate_pairs(given.rows * 4, seed=given.seed, follow_ups=0.12, time_budget=300).examples
        print(f"{len(pool)} pairs in {time.perf_counter() - began:.0f} s")
        sets = parts(pool, given.rows, given.held, given.seed)
        train = sets.pop("train")
        sets |= {file.stem: cypher_magic.load_examples(file).train for file in given.questions}
        name = given.only or given.keep
        if not given.only:
            began = time.perf_counter()
            run = cypher_magic.finetune(name, train, display=False, **settings)
            minutes = (time.perf_counter() - began) / 60
            print(f"{run}; {len(train)} rows, {settings}: {minutes:.1f} minutes", flush=True)
        print(f"{'':<12}{'n':>5}  " + "".join(f"{model:<42}" for model in (name, *given.against)))
        for part, pairs in sets.items():
            line = f"{part:<12}{len(pairs):>5}  "
            for model in (name, *given.against):
                report = cypher_magic.evaluate(model, pairs, save=False)
                for one in report.predictions if misses else ():
                    if one.missed:
                        what = {"part": part, "model": model, **one.to_dict()}
                        print(json.dumps(what, ensure_ascii=False, default=str), file=misses, flush=True)
                line += f"{report.execution_accuracy!s:<30} runs {report.executable.value:<5.3f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
