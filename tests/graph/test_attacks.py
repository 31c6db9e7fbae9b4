"""Attacks on a live graph: none of them changes anything when it is sent as a reading query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cypher_magic.errors import CypherMagicError

_FILE = Path(__file__).parents[1] / "query" / "attacks.yaml"
_GRAPH = """
CREATE (m:Movie {title: 'A', year: 1999}), (n:Movie {title: 'B'}), (p:Person {name: 'P', born: 1950}), (:X {x: 1}),
       (p)-[:ACTED_IN {roles: ['r']}]->(m), (p)-[:ACTED_IN]->(n), (p)-[:KNOWS]->(p)
"""
_PARAMS = {"k": "title", "x": 1, "q": "CREATE (:Hacked)", "query": "CREATE (:Hacked)", "props": {"hacked": True}}


def attacks() -> list[tuple[str, str]]:
    found = []
    for group in yaml.safe_load(_FILE.read_text(encoding="utf-8")):
        made = [g["head"] + g["repeat"] * g["times"] + g["tail"] for g in group.get("generate", ())]
        found += [(group["category"], text) for text in [*group.get("texts", ()), *made]]
    return found


def content(graph: Any) -> list[str]:
    """All nodes and relationships."""
    text = (
        "MATCH (n) RETURN [elementId(n), labels(n), properties(n)] AS found"
        " UNION ALL MATCH (a)-[r]->(b) RETURN [elementId(a), type(r), properties(r), elementId(b)] AS found"
    )
    return sorted(map(repr, graph.probe(text).rows))


def names(graph: Any) -> list[list[str]]:
    """Indexes, constraints, labels and relationship types."""
    texts = ("SHOW INDEXES YIELD name, type", "SHOW CONSTRAINTS", "CALL db.labels()", "CALL db.relationshipTypes()")
    return [sorted(map(repr, graph.probe(text).rows)) for text in texts]


def attack(graph: Any) -> tuple[int, int]:
    """How many attacks were sent and how many were refused; the whole graph is compared after each of them."""
    graph.write(_GRAPH)
    before, named, refused, group = content(graph), names(graph), 0, ""
    found = attacks()
    for category, text in [*found, ("end", "RETURN 1")]:
        if category != group:
            assert names(graph) == named, group
            group = category
        try:
            graph.read(text, _PARAMS, timeout=5, limit=10)
        except CypherMagicError as exc:
            refused += 1
            assert "\n" not in str(exc), (category, text[:200])
        assert content(graph) == before, (category, text[:200])
    return len(found), refused


def test_no_attack_changes_the_embedded_graph(embedded_graph: Any) -> None:
    sent, refused = attack(embedded_graph)
    print(f"embedded: {sent} attacks, {refused} refused, none changed the graph")
    assert sent >= 150
    embedded_graph.write("CREATE (:Hacked)")  # the comparison would have seen a change
    assert embedded_graph.read("MATCH (h:Hacked) RETURN count(h)").rows == ((1,),)


@pytest.mark.neo4j
def test_no_attack_changes_neo4j_or_its_users(neo4j_graph: Any, neo4j_server: Any) -> None:
    def system() -> list[Any]:
        return [
            neo4j_server.run(text, database="system")
            for text in ("SHOW USERS", "SHOW DATABASES YIELD name, requestedStatus")
        ]

    before = system()
    sent, refused = attack(neo4j_graph)
    print(f"Neo4j: {sent} attacks, {refused} refused, none changed the graph")
    assert sent >= 150
    assert system() == before
