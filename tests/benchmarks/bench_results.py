"""Rows to a DataFrame: this package against the bare driver plus pandas, in the same run on the same server.

"driver+pandas" leaves moments as the driver's objects; "driver to_df" makes datetime columns of them, as we do.

    python tests/benchmarks/bench_results.py [--rows 200000] [--repeat 5] [--only dates]

Serves itself an embedded graph; NEO4J_TEST_URI (with NEO4J_TEST_USER and NEO4J_TEST_PASSWORD) names another server.
Each pair of timings alternates, so that what else the machine does hits both; the fastest of each is compared.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import neo4j
import pandas as pd

QUERIES = {
    "integers, floats, strings": "UNWIND range(1, $n) AS i RETURN i, i * 0.5 AS half, 'name ' + i AS name",
    "with nulls and booleans": "UNWIND range(1, $n) AS i RETURN i, i % 2 = 0 AS even, "
    "CASE WHEN i % 3 = 0 THEN null ELSE i END AS gaps",
    "dates and times": "UNWIND range(1, $n) AS i RETURN i, date('2020-01-02') AS day, "
    "localdatetime('2020-01-02T03:04:05') AS at",
    "lists": "UNWIND range(1, $n) AS i RETURN i, [i, i + 1] AS pair",
}


def bare(driver: neo4j.Driver, query: str, rows: int) -> pd.DataFrame:
    """What a person writes without this package."""
    with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
        result = session.run(query, n=rows)
        return pd.DataFrame([record.values() for record in result], columns=result.keys())


def own_frame(driver: neo4j.Driver, query: str, rows: int) -> pd.DataFrame:
    """The driver's own way to a frame with datetime columns."""
    with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
        return session.run(query, n=rows).to_df(parse_dates=True)


def timed(work: Callable[[], Any]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(connection: Any, driver: neo4j.Driver, rows: int, repeat: int, only: str) -> None:
    print(f"{rows:,} rows, fastest of {repeat}, server: {connection.server}")
    head = f"{'query':<26} {'driver+pandas':>14} {'driver to_df':>13} {'cypher_magic':>13}"
    print(f"{head} {'ratio':>6} {'to_df':>6}   types")
    for name, query in ((n, q) for n, q in QUERIES.items() if only in n):
        ways: dict[str, Callable[[], Any]] = {
            "pandas": lambda q=query: bare(driver, q, rows),
            "to_df": lambda q=query: own_frame(driver, q, rows),
            "ours": lambda q=query: connection.read(q, {"n": rows}, limit=rows, timeout=300).df,
        }
        timings = [{way: timed(work) for way, work in ways.items()} for _ in range(repeat)]
        best = {way: min(t[way] for t in timings) for way in ways}
        kinds = ", ".join(str(d) for d in connection.read(query, {"n": 10}).df.dtypes)
        ratios = f"{best['ours'] / best['pandas']:>6.2f} {best['ours'] / best['to_df']:>6.2f}"
        print(
            f"{name:<26} {best['pandas']:>12.2f} s {best['to_df']:>11.2f} s {best['ours']:>11.2f} s {ratios}   {kinds}"
        )


def memory(connection: Any, rows: int) -> None:
    """Peak memory of a query with far more rows than are fetched."""
    query = QUERIES["integers, floats, strings"]
    for limit in (1000, 10_000):
        gc.collect()
        tracemalloc.start()
        result = connection.read(query, {"n": rows}, limit=limit, timeout=300)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"-l {limit:,} of {rows:,} rows: {len(result):,} fetched, peak {peak / 2**20:.1f} MiB of Python memory")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--only", default="", help="queries whose name has this in it")
    wanted = options.parse_args()
    connection, driver = opened()
    try:
        compare(connection, driver, wanted.rows, wanted.repeat, wanted.only)
        memory(connection, wanted.rows)
    finally:
        driver.close()
        connection.close()


def opened() -> tuple[Any, neo4j.Driver]:
    """A connection of ours, and a driver with the same address and user."""
    from cypher_magic.graph import embedded
    from cypher_magic.graph.neo4j_graph import Connection, open_driver
    from cypher_magic.graph.secret import Secret

    uri = os.environ.get("NEO4J_TEST_URI")
    if uri:
        user, password = os.environ.get("NEO4J_TEST_USER", "neo4j"), Secret(os.environ["NEO4J_TEST_PASSWORD"])
        ours = open_driver(uri, user, password)
        connection = Connection(ours, name="bench", uri=uri, user=user, database="neo4j", password=password)
    else:
        connection = embedded.start()
    address = connection.environment()
    login = (address["NEO4J_USERNAME"], address["NEO4J_PASSWORD"])
    return connection, neo4j.GraphDatabase.driver(address["NEO4J_URI"], auth=login)


if __name__ == "__main__":
    main()
