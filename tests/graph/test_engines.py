"""What the embedded graph and Neo4j do differently, as a table. Everything else is expected to be the same.

Each row is a statement and what each engine does with it when it is sent as a reading query: its rows, or the class of
our error. A new version of an engine that changes its mind fails here.
"""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.errors import CypherMagicError

SAME = {
    "RETURN 1 AS x": [[1]],
    "RETURN valueType(1), valueType('x'), valueType(date('2020-01-01'))": [
        ["INTEGER NOT NULL", "STRING NOT NULL", "DATE NOT NULL"]
    ],
    "MATCH (m:Movie) RETURN m.title ORDER BY m.title": [["A"], ["B"]],
    "MATCH (m:Movie) WHERE EXISTS { (m)<-[:ACTED_IN]-() } RETURN count(m)": [[1]],
    "RETURN COUNT { MATCH (:Movie) } AS n": [[2]],
    "MATCH (p:Person) CALL (p) { RETURN p.name AS n } RETURN n": [["P"]],
    "MATCH (a:Person)-[:ACTED_IN]->{1,2}(b) RETURN count(b)": [[1]],
    "CREATE (:X)": "NotReadOnly",
    "MATCH (n) DETACH DELETE n": "NotReadOnly",
    "MATCH (n) RETRN n": "QueryFailed",
    "RETURN nosuch(1)": "QueryFailed",
    "RETURN 1 AS a, 2 AS a": "QueryFailed",
    "RETURN 1; RETURN 2": "QueryFailed",
    "": "QueryFailed",
    "RETURN 1 / 0": "QueryFailed",
    "RETURN $missing": "QueryFailed",
}

DIFFERENT: dict[str, tuple[Any, Any]] = {  # statement: (embedded, Neo4j)
    "RETURN valueType(['a'])": ([["LIST<ANY> NOT NULL"]], [["LIST<STRING NOT NULL> NOT NULL"]]),
    "RETURN size('abc') + length('abc')": ([[6]], "QueryFailed"),
    "CALL dbms.components() YIELD edition RETURN edition": ([["community"]], "NotReadOnly"),
    "CALL db.schema.nodeTypeProperties() YIELD nodeType RETURN count(*) > 0": ("QueryFailed", [[True]]),
    "MATCH p = SHORTEST 1 (a:Person)-[]->+(b:Movie) RETURN count(p)": ("QueryFailed", [[1]]),
    "CYPHER 5 RETURN 1": ("QueryFailed", [[1]]),
    "LOAD CSV FROM 'file:///no-such-file.csv' AS line RETURN line": ("NotReadOnly", "QueryFailed"),
}


def outcome(graph: Any, text: str) -> Any:
    try:
        return [list(row) for row in graph.read(text).rows]
    except CypherMagicError as exc:
        return type(exc).__name__


@pytest.fixture
def embedded(embedded_graph: Any) -> Any:
    return filled(embedded_graph)


@pytest.fixture
def neo4j(neo4j_graph: Any) -> Any:
    return filled(neo4j_graph)


def filled(graph: Any) -> Any:
    graph.write("CREATE (:Person {name: 'P'})-[:ACTED_IN]->(:Movie {title: 'A'}), (:Movie {title: 'B'})")
    return graph


def test_the_embedded_graph_does_what_the_table_says(embedded: Any) -> None:
    expected = SAME | {text: ours for text, (ours, _) in DIFFERENT.items()}
    assert {text: outcome(embedded, text) for text in expected} == expected


@pytest.mark.neo4j
def test_neo4j_does_what_the_table_says(neo4j: Any) -> None:
    expected = SAME | {text: theirs for text, (_, theirs) in DIFFERENT.items()}
    assert {text: outcome(neo4j, text) for text in expected} == expected


def test_the_embedded_graph_names_no_query_type_and_no_unknown_names(embedded: Any) -> None:
    plan = embedded.explain("MATCH (n:NoSuchLabel) RETURN n")
    assert (plan.query_type, plan.notifications) == ("unknown", ())


@pytest.mark.neo4j
def test_neo4j_names_the_query_type_and_unknown_names(neo4j: Any) -> None:
    plan = neo4j.explain("MATCH (n:NoSuchLabel) RETURN n")
    assert plan.query_type == "r"
    assert any("NoSuchLabel" in note for note in plan.notifications)
