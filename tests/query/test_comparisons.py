"""Comparisons of properties with values of other types: complained about, and put right where one way is right."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.check import check
from cypher_magic.query.repair import repair

SCHEMA = GraphSchema.from_text(
    """(:Movie {day: DATE, mixed: INTEGER, released: INTEGER, score: FLOAT, seen: BOOLEAN, title: STRING})
(:Person {born: INTEGER, mixed: STRING, name: STRING})
(:Person)-[:ACTED_IN {roles: LIST<STRING>}]->(:Movie)"""
)
MATCH = "MATCH (p:Person)-[r:ACTED_IN]->(m:Movie) WHERE "
MEANT = {
    "m.released = '1999'": "m.released = 1999",
    "m.score >= '7.5'": "m.score >= 7.5",
    "'-3' < m.score": "-3 < m.score",
    "m.title = 300": "m.title = '300'",
    "m.title IN [300, 1917]": "m.title IN ['300', '1917']",
    "m.day > '2020-01-31'": "m.day > date('2020-01-31')",
    "r.roles = 'Neo'": "'Neo' IN r.roles",
    "m.title = null": "m.title IS NULL",
    "null <> m.title AND m.seen": "m.title IS NOT NULL AND m.seen",
    "'Neo' = r.roles AND m.seen": "'Neo' IN r.roles AND m.seen",
}
NEVER = {  # and where the complaint points
    "m.released < m.title": "title",
    "m.title = p.born": "born",
    "m.released = 'last year'": "'last year'",
    "m.day = 'yesterday'": "'yesterday'",
    "m.seen = 'yes'": "'yes'",
    "m.seen = 1": "1",
    "m.title = ['a', 'b']": "'a'",
    "m.day < {year: 1999}": "year",
    "m.released > null": "null",
    "m.released CONTAINS '19'": "released",
    "m.released =~ '19..'": "released",
    "m.released IN ['old', 'new']": "'old'",
    "'Neo' IN m.title": "title",
    "(m.released) = ('x')": "'x'",
}
FINE = (
    "m.released = 1999.0",
    "m.score > 7",
    "m.title <> 3",
    "m.title = $title",
    "m.title = toString(m.released)",
    "m.title IN ['x', 3]",
    "m.title IN []",
    "m.title CONTAINS 'x' OR toString(m.released) STARTS WITH '19'",
    "m.day = date('2020-01-31') AND m.day.year > 1999",
    "r.roles = ['Neo'] AND 'Neo' IN r.roles",
    "m.released > -5 AND m.unknown = 'x'",
    "m.seen = true",
)


@pytest.mark.parametrize("condition", MEANT)
def test_a_value_of_another_type_is_written_as_the_property_has_it(condition: str) -> None:
    found = check(f"{MATCH}{condition} RETURN m", SCHEMA)
    assert [c.code for c in found] == ["never_true"] and "write " in found[0].hint
    assert repair(f"{MATCH}{condition} RETURN m", SCHEMA).text == f"{MATCH}{MEANT[condition]} RETURN m"


@pytest.mark.parametrize("condition", NEVER)
def test_what_is_never_true_is_complained_about_at_the_side_that_does_not_fit(condition: str) -> None:
    text = f"{MATCH}{condition} RETURN m"
    found = check(text, SCHEMA)
    assert [c.code for c in found] == ["never_true"]
    assert text[found[0].column - 1 :].startswith(NEVER[condition])
    assert repair(text, SCHEMA).changes == ()


@pytest.mark.parametrize("condition", FINE)
def test_what_can_be_true_is_left_alone(condition: str) -> None:
    text = f"{MATCH}{condition} RETURN m"
    assert "never_true" not in {c.code for schema in (SCHEMA, None) for c in check(text, schema)}


def test_a_property_of_any_label_is_not_judged_by_one_of_them() -> None:
    assert check("MATCH (n) WHERE n.mixed = 'x' RETURN n", SCHEMA) == []
    assert [c.code for c in check("MATCH (n:Movie) WHERE n.mixed = 'x' RETURN n", SCHEMA)] == ["never_true"]


def test_the_value_of_a_pattern_is_a_comparison_too() -> None:
    assert (
        repair("MATCH (m:Movie {released: '1999'}) RETURN m", SCHEMA).text
        == "MATCH (m:Movie {released: 1999}) RETURN m"
    )


@pytest.mark.neo4j
@pytest.mark.parametrize("condition", [c for c in NEVER if c != "'Neo' IN m.title"] + list(MEANT))
def test_neo4j_finds_nothing_by_what_is_never_true(neo4j_graph: Any, condition: str) -> None:
    """The rules are the server's: no film, whatever its values, fits such a condition."""
    film = "{title: '300', released: 1999, score: 7.5, seen: true, day: date('2020-02-01')}"
    person, role = "{born: 300, name: '1999'}", "{roles: ['Neo']}"
    text = f"WITH {film} AS m, {person} AS p, {role} AS r WHERE {condition} RETURN count(*) AS n"
    rows = neo4j_graph.read(text).rows
    assert rows == ((0,),)
