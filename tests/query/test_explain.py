from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.explain import LONGEST, explain
from cypher_magic.query.parse import parse

CORPUS = yaml.safe_load((Path(__file__).with_name("corpus") / "tricky.yaml").read_text(encoding="utf-8"))

TOLD = {
    "MATCH (p:Person)-[:ACTED_IN]->(m:Movie {title: 'Alien'}) RETURN p.name ORDER BY p.born DESC LIMIT 10": (
        "Finds Person nodes that ACTED_IN a Movie whose title is 'Alien', and returns the Person's name, "
        "sorted by the Person's born from high to low, at most 10."
    ),
    "MATCH (m:Movie)<-[:DIRECTED]-(p:Person) WHERE p.name = 'X' AND m.released > 1999 RETURN DISTINCT m.title": (
        "Finds Movie nodes that a Person DIRECTED, where the Person's name is 'X' and the Movie's released is above "
        "1999, and returns the Movie's title, each once."
    ),
    "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) WITH p, count(m) AS n WHERE n > 1 RETURN p.name, n": (
        "Finds Person nodes that ACTED_IN a Movie, then takes the number of Movie for each Person, only where the "
        "number of Movie is above 1, and returns the Person's name and the number of Movie."
    ),
    "MATCH (u:User)-[r:RATED {rating: 5}]->(m:Movie) OPTIONAL MATCH (m)<-[:DIRECTED]-(d) RETURN u.name, d.name": (
        "Finds User nodes that RATED (rating 5) a Movie, then also finds where a node DIRECTED the Movie, "
        "and returns the User's name and d's name."
    ),
    "MATCH (p:Person) WHERE NOT exists { (p)-[:WROTE]->(:Movie) } AND p.born IS NULL RETURN count(DISTINCT p)": (
        "Finds Person nodes, where not (there is (p)-[:WROTE]->(:Movie)) and the Person's born is missing, and "
        "returns the number of different Person."
    ),
    "MATCH (a:Person)-[:KNOWS*1..3]-(b:Person) RETURN a.name, b.name": (
        "Finds Person nodes that are linked by KNOWS (1 to 3 steps) to a Person, and returns the Person a's name and "
        "the Person b's name."
    ),
    "MATCH (m:Movie) WHERE m.title IN ['A', 'B'] OR toLower(m.title) CONTAINS 'x' RETURN m"
    " UNION MATCH (f:Film) RETURN f AS m": (
        "Finds Movie nodes, where the Movie's title is one of 'A', 'B' or the Movie's title in lower case contains "
        "'x', and returns the Movie; together with: finds Film nodes, and returns the Film."
    ),
    "RETURN 1": "Returns 1.",
}


@pytest.mark.parametrize("query", TOLD)
def test_a_query_is_told_in_one_sentence(query: str) -> None:
    assert explain(query) == TOLD[query]


@pytest.mark.parametrize("query", CORPUS["valid"])
def test_whatever_can_be_read_can_be_told(query: str) -> None:
    told = explain(query)
    assert told.endswith((".", "…")) and told[0] == told[0].upper()
    assert "\n" not in told and len(told) <= LONGEST + 1


def test_queries_that_do_not_fit_or_have_scope_errors_are_told_too() -> None:
    told = 0
    for case in [*CORPUS["wrong"], *({"query": q} for q in CORPUS["beyond"])]:
        try:
            query = parse(case["query"])
        except CypherSyntaxError:
            continue
        told += bool(explain(query))
    assert told > 50


def test_what_is_no_query_is_a_syntax_error() -> None:
    with pytest.raises(CypherSyntaxError):
        explain("who directed Jaws?")


def test_every_literal_and_name_of_the_result_is_in_the_sentence() -> None:
    query = "MATCH (p:Person {name: 'Tom'})-[r:ACTED_IN]->(m:Movie) WHERE m.runtime > 90 AND m.tagline STARTS WITH 'x' "
    told = explain(query + "RETURN m.released AS year, p.born, r.roles SKIP 3 LIMIT 7")
    for word in ("'Tom'", "90", "'x'", "released", "born", "roles", "3", "7", "ACTED_IN"):
        assert word in told, word


def test_names_that_stand_for_themselves_many_times_over_stay_short() -> None:
    steps = " ".join(f"WITH [a{i}, a{i}, a{i}] AS a{i + 1}" for i in range(200))
    assert len(explain(f"WITH 1 AS a0 {steps} RETURN a200 AS x")) <= LONGEST + 1


def test_deep_and_long_queries_are_told_quickly() -> None:
    assert explain("RETURN " + "(" * 20 + "1" + ")" * 20)
    assert explain("MATCH " + "-->".join("()" for _ in range(2000)) + " RETURN 1")
    assert explain("MATCH (n) WHERE " + " OR ".join(f"n.x = {i}" for i in range(2000)) + " RETURN n")


def test_a_sentence_is_one_line_without_control_characters() -> None:
    told = explain("MATCH (n:A {x: 'a\nb\x1b[2J\u202e'}) RETURN n")
    assert told.isprintable()


def test_thousands_of_model_written_queries_can_be_told(shared: Any) -> None:
    path = shared / "data" / "text2cypher" / "text2cypher_gpt4turbo.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    told = 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            try:
                query = parse(row["cypher"])
            except CypherSyntaxError:
                continue
            told += bool(explain(query))
    assert told > 7000
