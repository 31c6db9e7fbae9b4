"""How long it takes to parse, to gate and to check a query, on the queries of `shared` or else the tricky ones.

    python tests/benchmarks/bench_query.py

Prints milliseconds per query, by the wall and by this thread's processor time (other work on the machine does not
count there). Parse + check is the figure with a goal: median under 5 ms, 99th percentile under 25 ms.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from cypher_magic.query.check import check
from cypher_magic.query.parse import parse
from cypher_magic.query.readonly import read_only

HERE = Path(__file__).resolve().parent
LARGE = HERE.parents[2] / "shared" / "data" / "text2cypher" / "text2cypher_gpt4turbo.csv"
SMALL = HERE.parent / "query" / "corpus" / "tricky.yaml"


def queries() -> list[str]:
    if LARGE.is_file():
        with LARGE.open(encoding="utf-8", newline="") as file:
            return [row["cypher"] for row in csv.DictReader(file)]
    return list(yaml.safe_load(SMALL.read_text(encoding="utf-8"))["valid"])


def row(name: str, work: Callable[[str], object], texts: list[str]) -> str:
    wall, own = [], []
    for text in texts:
        start, start_own = time.perf_counter(), time.thread_time()
        work(text)
        own.append(1000 * (time.thread_time() - start_own))
        wall.append(1000 * (time.perf_counter() - start))
    figures = [sorted(times)[int(share * (len(times) - 1))] for times in (wall, own) for share in (0.5, 0.99, 1)]
    return f"{name:<24}" + "".join(f"{figure:>10.2f}" for figure in figures)


def main() -> None:
    texts = queries()
    start = time.perf_counter()
    parse("RETURN 1")
    print(f"grammar: {1000 * (time.perf_counter() - start):.0f} ms, once per process")
    print(f"{len(texts)} queries, up to {max(map(len, texts))} characters; milliseconds per query")
    print(f"{'':<24}{'wall p50':>10}{'p99':>10}{'max':>10}{'own p50':>10}{'p99':>10}{'max':>10}")
    print(row("parse + gate", read_only, texts))
    print(row("parse + check", check, texts))


if __name__ == "__main__":
    main()
