"""Big graphs on Neo4j: the schema is whole, in its time, without looking at everything; questions can be made."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from cypher_magic import places
from cypher_magic.data.pairs import generate_pairs
from cypher_magic.graph.schema import Triple

pytestmark = [pytest.mark.neo4j, pytest.mark.slow]


@pytest.fixture
def big_graphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, neo4j_server: Any) -> Any:
    monkeypatch.setattr(places, "cache_dir", lambda: tmp_path / "cache")
    spec = importlib.util.spec_from_file_location("big_graphs", Path(__file__).with_name("big_graphs.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    neo4j_server.clear()


def hits(plan: dict[str, Any]) -> int:
    return int(plan.get("dbHits", 0)) + sum(hits(child) for child in plan.get("children", []))


def most_hits_of_a_probe(graph: Any, server: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """The database hits of the most expensive probe of a schema."""
    asked: list[str] = []
    probe = graph.probe
    monkeypatch.setattr(graph, "probe", lambda text, *a, **k: (asked.append(text), probe(text, *a, **k))[1])
    graph.schema(refresh=True)
    with server.driver() as driver, driver.session() as session:
        plans = [
            session.run(f"PROFILE {text}").consume().profile for text in asked if text.startswith(("MATCH", "RETURN"))
        ]
    return max(map(hits, plans))


def test_the_movie_graph(
    neo4j_graph: Any, neo4j_server: Any, shared: Path, big_graphs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    big_graphs.load_movies(neo4j_server.run, shared / "data" / "movies")
    schema = neo4j_graph.schema(refresh=True, budget=60)
    assert set(schema.triples) == {
        Triple("Person", "ACTED_IN", "Movie"),
        Triple("Person", "DIRECTED", "Movie"),
        Triple("Movie", "IN_GENRE", "Genre"),
        Triple("User", "RATED", "Movie"),
    }
    assert schema.labels["Movie"]["released"] == "DATE"
    assert schema.notes == ()
    assert most_hits_of_a_probe(neo4j_graph, neo4j_server, monkeypatch) < 161_000  # there are as many relationships


def test_a_million_nodes(neo4j_graph: Any, neo4j_server: Any, big_graphs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    big_graphs.make_million(neo4j_server.run)
    limits: list[float] = []
    probe = neo4j_graph.probe
    for budget in (1.0, 30.0):
        limits.clear()
        with monkeypatch.context() as patch:
            patch.setattr(
                neo4j_graph, "probe", lambda *a, timeout: (limits.append(timeout), probe(*a, timeout=timeout))[1]
            )
            schema = neo4j_graph.schema(refresh=True, budget=budget)
        assert limits == sorted(limits, reverse=True)  # each probe gets what is left of the budget
        assert all(0.5 <= limit <= budget for limit in limits)
    assert schema.labels["L0"]["newest"] == "DATE"  # only the newest node has it
    expected = {Triple(f"L{n}", "NEXT", f"L{(n + 1) % 8}") for n in range(8)}
    expected |= {Triple("L0", "FAR", "L4"), Triple("L1", "FAR", "L5"), Triple("L6", "FAR", "L7")}
    assert expected <= set(schema.triples) <= expected | {Triple("L2", "FAR", "L7")}
    assert most_hits_of_a_probe(neo4j_graph, neo4j_server, monkeypatch) < 200_000  # of 2.25 million to look at
    pairs = generate_pairs(neo4j_graph, 40, time_budget=120)
    assert len(pairs) == 40 and len({pair.family for pair in pairs}) > 5
    assert all(neo4j_graph.read(pair.query).rows for pair in list(pairs)[:5])
