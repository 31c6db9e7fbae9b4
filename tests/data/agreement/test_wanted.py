"""What kind of things a question asks for, and queries that give another; `tests/evaluation` measures how rarely that
is wrong."""

from __future__ import annotations

import pytest

from cypher_magic.data.agreement.wanted import only_values, other_kind, wanted
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.parse import parse

SCHEMA = GraphSchema.from_text("""\
(:Patient {name: STRING, insured: BOOLEAN, born: DATE})
(:Doctor {name: STRING, phone: STRING})
(:Department {name: STRING, beds: INTEGER})
(:Diagnosis {name: STRING, code: STRING})
(:Software {name: STRING})
(:Version {name: STRING})
(:Doctor)-[:WORKS_IN]->(:Department)
(:Diagnosis)-[:HANDLED_BY]->(:Department)
(:Patient)-[:DIAGNOSED_WITH]->(:Diagnosis)
(:Software)-[:VERSION]->(:Version)
""")
HANDLED = "MATCH (d:Diagnosis)-[:HANDLED_BY]->(x:Department)"


@pytest.mark.parametrize(
    ("question", "query", "told"),
    [
        (
            "department with the most diagnoses",
            f"{HANDLED} RETURN d.name, count(x) AS n ORDER BY n DESC LIMIT 1",
            "The question asks for department, and the query returns Diagnosis.",
        ),
        (
            "Could you please show me the names of all the insured patients?",
            "MATCH (p:Doctor) RETURN p.name",
            "The question asks for patients, and the query returns Doctor.",
        ),
        (
            "Which two departments handle asthma?",
            f"{HANDLED} WITH d RETURN d.name",
            "The question asks for departments, and the query returns Diagnosis.",
        ),
        (
            "What are the diagnoses that Oncology handles?",
            f"{HANDLED} RETURN x",
            "The question asks for diagnoses, and the query returns Department.",
        ),
        (
            "Show how many diagnoses each department handles",
            f"{HANDLED} RETURN d.name, count(x)",
            "The question asks for the number of diagnoses, and the query takes that of Department.",
        ),
        (
            "number of diagnoses per department",
            f"{HANDLED} WITH d.name AS name, count(x) AS n RETURN name, n",
            "The question asks for the number of diagnoses, and the query takes that of Department.",
        ),
        (
            "Diagnoses by department",
            f"{HANDLED} RETURN d.name, count(DISTINCT x)",
            "The question asks for the number of diagnoses, and the query takes that of Department.",
        ),
        (
            "Do we have departments that handle asthma?",
            f"{HANDLED} RETURN count(d) > 0",
            "The question asks for departments, and the query returns Diagnosis.",
        ),
    ],
)
def test_another_kind_than_the_one_that_is_asked_for_is_found(question: str, query: str, told: str) -> None:
    assert other_kind(question, parse(query), SCHEMA) == told


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("department with the most diagnoses", f"{HANDLED} RETURN x.name, count(d) AS n ORDER BY n DESC LIMIT 1"),
        ("Which departments handle asthma?", f"{HANDLED} RETURN d.name, x.name"),
        ("Which departments handle asthma?", f"{HANDLED} RETURN *"),
        ("Which departments handle asthma?", "MATCH (d:Diagnosis)-[:HANDLED_BY]->(x) RETURN x.name"),  # may be one
        ("number of diagnoses per department", f"{HANDLED} RETURN x.name, count(*)"),
        ("Diagnoses by the number of departments", f"{HANDLED} RETURN d.name, count(x)"),
        ("How many people are there?", "MATCH (p:Doctor) RETURN count(p)"),
        ("the phone number of a doctor", "MATCH (d:Doctor)-->(x:Department) RETURN d.phone"),
        ("Which software versions are there?", "MATCH (:Software)-[:VERSION]->(v:Version) RETURN v.name"),
        ("Which doctors' departments handle asthma?", f"{HANDLED} RETURN x.name"),
        ("Who works in Oncology?", f"{HANDLED} RETURN d.name"),
        ("Which are handled by Oncology?", f"{HANDLED} RETURN d.name"),
        ("", f"{HANDLED} RETURN d.name"),
        ("Which patients?", "MATCH (p:Doctor) RETURN p.name UNION MATCH (p:Patient) RETURN p.name"),
        ("And the department Oncology?", f"{HANDLED} RETURN d.name"),
        ("and the patient A0028", "MATCH (p:Patient)-->(d:Diagnosis) RETURN d.name"),
        ("Which patients?", "MATCH (n) RETURN n"),
        ("Which patients?", "UNWIND [1, 2] AS n RETURN n"),
        ("Which patients?", "MATCH (d:Doctor) RETURN [(d)-->(x) | x.name]"),
    ],
)
def test_what_agrees_or_may_do_so_is_left_alone(question: str, query: str) -> None:
    assert other_kind(question, parse(query), SCHEMA) == ""


def test_what_is_asked_for_is_told_with_whether_it_is_to_be_counted() -> None:
    assert wanted("How many insured patients are there?", SCHEMA) == (frozenset(["Patient"]), True, "patients")
    assert wanted("I'd like to see the three oldest doctors", SCHEMA) == (frozenset(["Doctor"]), False, "doctors")
    asked = wanted("List people", SCHEMA)
    assert asked is not None
    assert asked.labels == {"Patient", "Doctor"}
    assert wanted("List spaceships", SCHEMA) is None


@pytest.mark.parametrize(
    ("question", "query", "names"),
    [
        ("insured patients of Oncology", "MATCH (p:Patient) RETURN p.insured", "insured"),
        ("The youngest patient", "MATCH (p:Patient) RETURN p.born ORDER BY p.born DESC LIMIT 1", "born"),
        ("Who is the youngest?", "MATCH (p:Patient) RETURN p.born, p.insured", "born and insured"),
    ],
)
def test_values_instead_of_the_things_that_are_asked_for_are_found(question: str, query: str, names: str) -> None:
    assert only_values(question, parse(query), SCHEMA) == (
        f"The question asks for things, and the query returns only {names}."
    )


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("The youngest patient", "MATCH (p:Patient) RETURN p.name, p.born"),
        ("Which patients' birth date is known?", "MATCH (p:Patient) RETURN p.born"),
        ("Is Ann insured?", "MATCH (p:Patient {name: 'Ann'}) RETURN p.insured"),
        ("How many beds are there?", "MATCH (d:Department) RETURN d.beds"),
        ("How many patients are there?", "MATCH (p:Patient) RETURN p.born"),
        ("Which diagnosis is it?", "MATCH (d:Diagnosis) RETURN d.code"),
        ("Which patients?", "MATCH (p:Patient) RETURN *"),
        ("Which patients?", "MATCH (p:Patient) RETURN max(p.born)"),
        ("Which patients?", "MATCH (p) RETURN p.born"),
    ],
)
def test_values_that_are_asked_for_or_stand_beside_others_are_left_alone(question: str, query: str) -> None:
    assert only_values(question, parse(query), SCHEMA) == ""
