"""How long the schema of big graphs takes on Neo4j, and what each probe costs.

    python tests/benchmarks/bench_graph.py [FOLDER_OF_MOVIES_CSV]

Prints for each graph: the first and the repeated time in seconds, the number of probes, the most database hits of one
probe (PROFILE), and beside it the hits of the procedures that others use for the same purpose.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

TESTS = Path(__file__).resolve().parents[1]


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, TESTS / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hits(plan: dict[str, Any]) -> int:
    return int(plan.get("dbHits", 0)) + sum(hits(child) for child in plan.get("children", []))


def measure(server: Any, what: str, connect: Any) -> None:
    nodes = server.run("MATCH (n) RETURN count(n) AS n")[0]["n"]
    edges = server.run("MATCH ()-[r]->() RETURN count(r) AS n")[0]["n"]
    connection = connect()
    asked: list[str] = []
    probe = connection.probe
    connection.probe = lambda text, *args, **kwargs: (asked.append(text), probe(text, *args, **kwargs))[1]
    times = []
    for _ in range(4):
        asked.clear()
        started = time.perf_counter()
        schema = connection.schema(refresh=True, values=False)
        times.append(time.perf_counter() - started)
    connection.close()
    costs = []
    with server.driver() as driver, driver.session() as session:
        for text in asked:
            if not text.startswith(("SHOW", "CALL db.")):
                costs.append((hits(session.run("PROFILE " + text).consume().profile), text))
        peers = {}
        for name in ("db.schema.nodeTypeProperties", "db.schema.relTypeProperties"):
            started = time.perf_counter()
            session.run(f"CALL {name}()").consume()
            peers[name] = time.perf_counter() - started
    print(
        f"\n{what}: {nodes:,} nodes, {edges:,} relationships; {len(schema.labels)} labels, "
        f"{len(schema.triples)} triples"
    )
    print(
        f"  first {times[0]:.2f} s, then {min(times[1:]):.2f} s, {len(asked)} probes, notes: {schema.notes or 'none'}"
    )
    for cost, text in sorted(costs, reverse=True)[:3]:
        print(f"  {cost:>9,} database hits: {text[:90]}")
    print("  peers: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in peers.items()))


def main() -> None:
    os.environ["CYPHER_MAGIC_CONFIG"] = tempfile.mkdtemp()
    from cypher_magic import places
    from cypher_magic.graph import schema_store
    from cypher_magic.graph.neo4j_graph import Connection, open_driver
    from cypher_magic.graph.secret import Secret

    neo4j_server, big_graphs = load("graph/neo4j_server.py"), load("graph/big_graphs.py")
    schema_store.save = lambda *_: None
    movies = Path(sys.argv[1]) if len(sys.argv) > 1 else TESTS.parents[1] / "shared" / "data" / "movies"
    with tempfile.TemporaryDirectory() as home:
        server = neo4j_server.started(Path(home) / "neo4j", places.cache_dir())

        def connect() -> Connection:
            secret = Secret(server.password)
            driver = open_driver(server.uri, server.user, secret)
            return Connection(driver, name="b", uri=server.uri, user=server.user, database="neo4j", password=secret)

        try:
            server.clear()
            if movies.is_dir():
                started = time.perf_counter()
                big_graphs.load_movies(server.run, movies)
                print(f"movies loaded in {time.perf_counter() - started:.0f} s")
                measure(server, "movies", connect)
                server.clear()
            started = time.perf_counter()
            big_graphs.make_million(server.run)
            print(f"million nodes made in {time.perf_counter() - started:.0f} s")
            measure(server, "a million nodes", connect)
        finally:
            if server.ours:
                server.stop()


if __name__ == "__main__":
    main()
