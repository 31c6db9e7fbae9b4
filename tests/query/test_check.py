"""Checks against a schema: names, properties, triples and directions, with a place and a hint."""

from __future__ import annotations

import pytest

from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.query.check import check

SCHEMA = GraphSchema(
    labels={
        "Movie": {"title": "STRING", "released": "INTEGER"},
        "Person": {"name": "STRING", "born": "INTEGER"},
        "Actor": {"name": "STRING"},
        "Film Studio": {"name": "STRING"},
    },
    relationship_types={"ACTED_IN": {"roles": "LIST<STRING>"}, "DIRECTED": {}, "KNOWS": {"since": "DATE"}},
    triples=(
        Triple("Person", "ACTED_IN", "Movie"),
        Triple("Actor", "ACTED_IN", "Movie"),
        Triple("Person", "DIRECTED", "Movie"),
        Triple("Person", "KNOWS", "Person"),
    ),
)


@pytest.mark.parametrize(
    ("query", "code", "column", "hint"),
    [
        ("MATCH (m:Movei) RETURN m", "unknown_label", 10, "did you mean Movie?"),
        ("MATCH (m:movie) RETURN m", "unknown_label", 10, "did you mean Movie?"),
        ("MATCH (m:FilmStudio) RETURN m", "unknown_label", 10, "did you mean `Film Studio`?"),
        ("MATCH (m) WHERE m:Filmm RETURN m", "unknown_label", 19, ""),
        ("MATCH (m:Movie|Persn) RETURN m", "unknown_label", 16, "did you mean Person?"),
        ("MATCH ()-[:ACTED]->() RETURN 1", "unknown_relationship_type", 12, "did you mean ACTED_IN?"),
        ("MATCH ()-[r]->() WHERE r:KNOW RETURN 1", "unknown_relationship_type", 26, "did you mean KNOWS?"),
        ("MATCH (m:Movie) RETURN m.titel", "unknown_property", 26, "did you mean title?"),
        ("MATCH (m:Movie) RETURN m.born", "unknown_property", 26, "it is a property of Person"),
        ("MATCH (m:Movie {name: 'x'}) RETURN m", "unknown_property", 17, "it is a property of Person"),
        ("MATCH (m:Movie) RETURN m {.titel}", "unknown_property", 28, "did you mean title?"),
        ("MATCH (m) RETURN m.unheard", "unknown_property", 20, "it has born, name, released, title"),
        ("MATCH (:Person)-[r:KNOWS]-() RETURN r.until", "unknown_property", 39, "it has since"),
        ("MATCH (m:Movie) WITH m AS film RETURN film.titel", "unknown_property", 44, "did you mean title?"),
        ("MATCH (m:Movie) WITH collect(m) AS ms UNWIND ms AS x RETURN x.name", "unknown_property", 63, "Person"),
        (
            "MATCH (m:Movie)-[:ACTED_IN]->(p:Person) RETURN 1",
            "reversed_direction",
            16,
            "(:Person)-[:ACTED_IN]->(:Movie)",
        ),
        ("MATCH (m:Movie)-[:ACTED_IN]->(p) RETURN 1", "reversed_direction", 16, "turn the arrow"),
        ("MATCH (m:Movie)-->(p:Person) RETURN 1", "reversed_direction", 16, "turn the arrow"),
        ("MATCH (m:Movie) WHERE (m)-[:DIRECTED]->() RETURN 1", "reversed_direction", 26, "turn the arrow"),
        ("MATCH (m:Movie) RETURN [(m)-[:DIRECTED]->(p) | p] AS x", "reversed_direction", 28, "turn the arrow"),
        ("MATCH (p:Person) WHERE COUNT { (p)<-[:ACTED_IN]-() } > 1 RETURN p", "reversed_direction", 35, "turn"),
        ("MATCH (a:Actor)-[:KNOWS]->(b) RETURN 1", "unknown_triple", 16, "(:Person)-[:KNOWS]->(:Person)"),
        ("MATCH (a:Movie)--(b:Movie) RETURN 1", "unknown_triple", 16, "it has"),
        ("MATCH (a:Actor&Person)-[:DIRECTED]->(b) RETURN 1", "unknown_triple", 23, "it has"),
        ("MATCH (a:Person)-[:KNOWS*2..3]->(b:Movie) RETURN 1", "unknown_triple", 17, "it has"),
    ],
)
def test_what_the_graph_does_not_have_is_named_with_the_closest_it_has(
    query: str, code: str, column: int, hint: str
) -> None:
    complaints = check(query, SCHEMA)
    assert [(c.code, c.column) for c in complaints] == [(code, column)]
    assert hint in complaints[0].hint


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (p:Person)-[:ACTED_IN|DIRECTED]->(m:Movie)<-[:ACTED_IN]-(q) RETURN p.name, q.born, m.title",
        "MATCH (m:Movie)<-[:DIRECTED]-(p:Person)-[:KNOWS]-(q) RETURN q",
        "MATCH (m:Movie)--(p:Person) RETURN m, p",
        "MATCH (p:Person)-[:KNOWS|ACTED_IN*1..3]->(m:Movie) RETURN p",
        "MATCH (p:Person)-[:KNOWS*0..3]->(m:Movie) RETURN p",
        "MATCH (p:!Movie)-[:!KNOWS]->(m:%) RETURN p.born",
        "MATCH (p:Person|Movie) RETURN p.title, p.name",
        "MATCH (x:`Film Studio`) RETURN x.name",
        "MATCH (p:Person) WITH {nme: p.name} AS map RETURN map.nme",
        "MATCH (p:Person) RETURN date().year, p.born",
        "MATCH (a)-[r]->(b) RETURN r.since, a.name, b.title",
        "MATCH (n) WHERE n:Person|Movie RETURN n",
        "MATCH (p:Person) WHERE EXISTS { MATCH (p)-[:ACTED_IN]->(m) WHERE m.title = 'x' } RETURN p",
        "MATCH p = (:Person)((a:Person)-[:KNOWS]->(b:Person)){1,3}(:Person)-[:ACTED_IN]->(:Movie) RETURN p",
        "MATCH (p:$('Anything')) RETURN p.anything",
    ],
)
def test_nothing_is_said_against_a_query_that_fits(query: str) -> None:
    complaints = check(query, SCHEMA)
    assert complaints == [] or query.endswith("p.anything") and complaints[0].code == "unknown_property"


def test_an_unknown_name_is_not_blamed_for_its_triple_too() -> None:
    assert [c.code for c in check("MATCH (m:Film)-[:ACTED_IN]->(p:Person) RETURN m", SCHEMA)] == ["unknown_label"]


def test_complaints_come_in_the_order_of_the_text() -> None:
    complaints = check("MATCH (m:Film)\nWHERE m.x = y\nRETURN m.z, m.z", SCHEMA)
    assert [c.code for c in complaints] == [
        "unknown_label",
        "unknown_property",
        "undefined_variable",
        "unknown_property",
        "duplicate_column",
        "unknown_property",
    ]


def test_a_variable_that_a_with_left_out_is_explained() -> None:
    (complaint,) = check("MATCH (p:Person)-->(m) WITH m RETURN p")
    assert (complaint.code, complaint.column) == ("undefined_variable", 38)
    assert "WITH left p out" in complaint.hint


def test_a_query_without_return_is_one_complaint_behind_its_last_word() -> None:
    assert [(c.code, c.line, c.column) for c in check("MATCH (n)\nWHERE n.x > 1\n\n")] == [("missing_return", 2, 14)]


def test_a_graph_without_triples_says_nothing_about_directions() -> None:
    schema = GraphSchema(labels=SCHEMA.labels, relationship_types=SCHEMA.relationship_types)
    assert check("MATCH (m:Movie)-[:ACTED_IN]->(p:Person) RETURN m", schema) == []
