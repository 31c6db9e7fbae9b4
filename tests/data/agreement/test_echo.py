"""Queries that only say again what they were asked with."""

from __future__ import annotations

import pytest

from cypher_magic.data.agreement.echo import doubled, echoed, has_twin
from cypher_magic.data.agreement.gaps import left_out, wrong_columns
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.parse import parse


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (a:Doctor {name: 'Dr X'})-[:SUPERVISES]->(b:Doctor) RETURN a.name",
        "MATCH (a:Doctor)-[:SUPERVISES]->(b:Doctor) WHERE a.name = 'Dr X' AND b.born > 1960 RETURN DISTINCT a.name",
        "MATCH (a:Doctor {name: 'Dr X'}) WITH a MATCH (a)-->(b) RETURN a.name AS name",
    ],
)
def test_a_query_whose_every_column_was_given_is_found(query: str) -> None:
    assert echoed(parse(query)) == ["Dr X"]
    assert left_out("Who does Dr X supervise?", parse(query), None) == ["The query can only say 'Dr X' again."]


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (a:Doctor {name: 'Dr X'})-[:SUPERVISES]->(b:Doctor) RETURN b.name",
        "MATCH (a:Doctor {name: 'Dr X'})-[:SUPERVISES]->(b:Doctor) RETURN a.name, b.name",
        "MATCH (a:Doctor {name: 'Dr X'}) RETURN a",
        "MATCH (a:Doctor {name: 'Dr X'}) RETURN a.name, count(*)",
        "MATCH (a:Doctor {name: 'Dr X'}) RETURN toUpper(a.name)",
        "MATCH (a:Doctor) WHERE a.name = 'Dr X' OR a.name = 'Dr Y' RETURN a.name",
        "MATCH (a:Doctor) WHERE NOT a.name = 'Dr X' RETURN a.name",
        "MATCH (a:Doctor) WHERE a.name IN ['Dr X', 'Dr Y'] AND a.active RETURN a.name",
        "MATCH (a:Doctor) WHERE a.name IN ['Dr X', 'Dr Y'] RETURN a.name ORDER BY a.born LIMIT 1",
        "MATCH (a:Doctor)-->(:Ward) WHERE a.name IN ['Dr X', 'Dr Y'] RETURN a.name",
        "MATCH (a:Doctor) WHERE a.name CONTAINS 'Dr X' RETURN a.name",
        "MATCH (a:Doctor) WHERE toLower(a.name) = 'dr x' RETURN a.name",
        "MATCH (a:Doctor {name: 'Dr X'}) RETURN *",
        "MATCH (a:Doctor {name: 'Dr X'}) RETURN a.name UNION MATCH (b:Nurse) RETURN b.name",
    ],
)
def test_a_query_that_can_say_more_is_left_alone(query: str) -> None:
    assert echoed(parse(query)) == []


@pytest.mark.parametrize(
    ("query", "twin"),
    [
        ("MATCH (a:Doctor {name: 'X'})-[:SUPERVISES]->(b:Doctor) RETURN a.name", True),
        ("MATCH (a:Doctor {name: 'X'})-[:TREATS]->(f:File) RETURN a.name", False),
        ("MATCH (a:Doctor {name: 'X'}) RETURN a.name", False),
        ("MATCH (a:Doctor {name: 'X'})-[:SUPERVISES]->(b:Doctor {name: 'Y'}) RETURN a.name", False),
    ],
)
def test_another_node_that_could_have_been_meant_is_known(query: str, twin: bool) -> None:
    schema = GraphSchema.from_text("(:Doctor {name: STRING})\n(:File {title: STRING})")
    assert has_twin(parse(query), schema) == twin
    assert bool(wrong_columns(parse(query), "What does X supervise?", schema)) == twin


def test_a_query_for_several_names_that_asks_nothing_else_is_found() -> None:
    assert echoed(parse("MATCH (a) WHERE a.name IN ['X', 'Y'] RETURN DISTINCT a.name")) == ["X", "Y"]


BOTH = "MATCH (a:Drug {name: 'Aspirin'})-[r:INTERACTS_WITH]->(b:Drug {name: 'Aspirin'}) RETURN r.severity"


def test_a_text_that_is_said_once_and_looked_for_twice_is_found() -> None:
    assert doubled("How severe is aspirin's worst interaction?", parse(BOTH)) == ["Aspirin"]
    assert left_out("interactions of Aspirin", parse(BOTH), None) == ["The query looks for 'Aspirin' more than once."]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("Does Aspirin interact with Aspirin?", BOTH),
        ("drugs with the same name Aspirin", BOTH),
        ("Which of those interact with Aspirin?", BOTH),
        ("and how severe is it?", BOTH),  # said in the question before
        ("interactions of Aspirin", BOTH.replace("(b:Drug {name: 'Aspirin'})", "(b:Drug)")),
        (
            "co-stars of Ann",
            "MATCH (a {name: 'Ann'})-->()<--(b) WHERE b.name <> 'Ann' RETURN b.name",
        ),
        ("Ann", "MATCH (a {name: 'Ann'}) RETURN a UNION MATCH (b)-->({name: 'Ann'}) RETURN b AS a"),
    ],
)
def test_a_text_that_may_be_meant_of_two_things_is_left_alone(question: str, query: str) -> None:
    assert doubled(question, parse(query)) == []
