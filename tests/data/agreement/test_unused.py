"""What a question says and its query does not use; `tests/evaluation` measures how rarely that is wrong."""

from __future__ import annotations

import pytest

from cypher_magic.data.agreement.unused import unused
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.parse import parse

SCHEMA = GraphSchema.from_text("""\
(:Patient {name: STRING, insured: BOOLEAN, bloodType: STRING, city: STRING, allergies: LIST<STRING>, admitted: DATE})
(:Nurse {name: STRING, shift: STRING})
(:Ward {name: STRING, beds: INTEGER, floor: INTEGER})
(:Nurse)-[:ASSIGNED_TO {lead: BOOLEAN, since: DATE}]->(:Ward)
(:Nurse)-[:MANAGES]->(:Ward)
(:Patient)-[:STAYS_IN]->(:Ward)
""")
PATIENTS = "MATCH (p:Patient) RETURN p.name"
NURSES = "MATCH (n:Nurse)-[:ASSIGNED_TO]->(:Ward) RETURN n.name"


def said(question: str, query: str) -> list[tuple[str, str]]:
    return unused(question, parse(query), SCHEMA)


@pytest.mark.parametrize(
    ("question", "query", "word", "what"),
    [
        ("Which insured patients are there?", PATIENTS, "insured", "a property of Patient"),
        ("Insured patients", PATIENTS, "Insured", "a property of Patient"),
        ("patients with their blood-types", PATIENTS, "blood types", "a property of Patient"),
        ("patients and their allergy", PATIENTS, "allergy", "a property of Patient"),
        ("their blood type", "MATCH (p:Patient) RETURN p.type", "blood type", "a property of Patient"),
        ("Average BLOOD type", "MATCH (p:Patient) RETURN p.type", "BLOOD type", "a property of Patient"),
        ("Which nurses lead a ward?", NURSES, "lead", "a property of ASSIGNED_TO"),
        ("Which nurses manage a ward?", NURSES, "manage", "a relationship type"),
        ("How many wards are there?", PATIENTS, "wards", "a label"),
        ("managers of ward 3", NURSES, "managers", "those of MANAGES,"),
        ("Which insured patients?", "MATCH (p:Patient) RETURN p", "insured", "a property of Patient"),
    ],
)
def test_a_name_of_the_graph_that_the_query_leaves_out_is_found(
    question: str, query: str, word: str, what: str
) -> None:
    assert said(question, query) == [(word, what)]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("Which insured patients?", "MATCH (p:Patient {insured: true}) RETURN p.name"),
        ("Which insured patients?", "MATCH (p:Patient) WHERE p.name = 'Insured Inc.' RETURN p.name"),
        ("Which patients does Lead Insured treat?", PATIENTS),  # a name
        ("Which patients are named so?", PATIENTS),
        ("How many beds?", PATIENTS),  # of a label that the query does not name
        ("nurses assigned since 2020", NURSES),  # a word that joins others
        ("the city and allergies of Ann", "MATCH (p:Patient {name: 'Ann'}) RETURN p"),  # are shown with the node
        ("the city of Ann", "MATCH (p:Patient {name: 'Ann'}) RETURN *"),
        ("patients admitted to a ward", "MATCH (p:Patient)-[:STAYS_IN]->(:Ward) RETURN p.name"),  # the verb
        ("Which wards have patients?", "MATCH (:Patient)-[:STAYS_IN]->(w) RETURN w.name"),  # said by the type
        ("nurses assigned to wards", "MATCH (n:Nurse) WHERE (n)-[:ASSIGNED_TO]->() RETURN n.name"),
        ("uninsured patients", PATIENTS),
    ],
)
def test_what_the_query_uses_or_the_question_does_not_mean_is_left_alone(question: str, query: str) -> None:
    assert said(question, query) == []


def test_a_word_that_several_things_have_is_found_once() -> None:
    schema = GraphSchema.from_text("(:A {colour: STRING})\n(:B {colour: STRING})\n(:A)-[:TO {colour: STRING}]->(:B)")
    assert unused("which colours?", parse("MATCH (a:A)-[:TO]->(b:B) RETURN a.x"), schema) == [
        ("colours", "a property of A and B and TO")
    ]
