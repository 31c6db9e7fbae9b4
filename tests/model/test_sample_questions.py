"""The questions of a model card: from the names of the schema alone."""

from __future__ import annotations

import pytest

from cypher_magic.data.generate.synthetic import synthetic_pairs
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.model.sample_questions import sample_questions
from cypher_magic.query.check import check
from cypher_magic.query.readonly import read_only

HOSPITAL = """(:Appointment {at: STRING})
(:Doctor {hired: INTEGER, full_name: STRING})
(:`Intensive Care` {beds: INTEGER})
(:Doctor)-[:HELD]->(:Appointment)
(:Doctor)-[:WORKS_IN]->(:`Intensive Care`)"""


def test_the_questions_are_about_the_label_that_most_hangs_on_and_in_its_words() -> None:
    sample = sample_questions(HOSPITAL)
    assert sample.question == "How many doctors are there?"
    assert sample.turn.question == "Show all doctors."
    assert sample.turn.query == "MATCH (d:Doctor) RETURN d.full_name"
    assert (sample.turn.columns, sample.turn.rows) == (("d.full_name",), (("(a full name)",),))
    assert sample.follow_up == "How many of them are there?"


@pytest.mark.parametrize("text", [None, "", "Node properties: Person {name: STRING}"])
def test_without_a_schema_that_can_be_read_they_are_about_nodes(text: str | None) -> None:
    assert sample_questions(text).question == "How many nodes are there?"


@pytest.mark.parametrize("text", ["(:Movie)", "(:`a b` {`odd name`: STRING})", "(:`ähnlich` {x: INTEGER})"])
def test_odd_names_make_a_query_that_can_be_read(text: str) -> None:
    assert check(sample_questions(text).turn.query, GraphSchema.from_text(text)) == []


def test_they_are_relatives_of_generated_pairs_and_hold_nothing_but_names() -> None:
    pairs = list(synthetic_pairs(1500, seed=3, follow_ups=0.3))
    for schema in {pair.schema for pair in pairs if pair.schema}:
        sample = sample_questions(schema)
        assert not read_only(sample.turn.query) and not check(sample.turn.query, GraphSchema.from_text(schema))
        assert all(str(cell).startswith("(") for row in sample.turn.rows for cell in row)
    asked = {pair.question.casefold().rstrip("?.") for pair in pairs}
    assert any(q.startswith("how many ") and q.endswith(" are there") for q in asked)
    assert any(pair.history and "how many of them are there" in pair.question.casefold() for pair in pairs)
