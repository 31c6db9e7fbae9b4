from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.explain import LONGEST, explain
from cypher_magic.query.naming import an
from cypher_magic.query.parse import parse

CORPUS = yaml.safe_load((Path(__file__).with_name("corpus") / "tricky.yaml").read_text(encoding="utf-8"))

TOLD = {
    "MATCH (p:Person)-[:ACTED_IN]->(m:Movie {title: 'Alien'}) RETURN p.name ORDER BY p.born DESC, p.name LIMIT 10": (
        "Finds Person nodes with an ACTED_IN relationship to a Movie whose title is 'Alien', and returns the Person's "
        "name, sorted by the Person's born from high to low, then by the Person's name, at most 10."
    ),
    "MATCH (m:Movie)<-[:DIRECTED]-(p:Person) WHERE p.name = 'X' AND m.released > 1999 RETURN DISTINCT m.title": (
        "Finds Movie nodes with a DIRECTED relationship from a Person, where the Person's name is 'X' and the Movie's "
        "released is above 1999, and returns the Movie's title, each once."
    ),
    "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) WITH p, count(m) AS n WHERE n > 1 RETURN p.name, n": (
        "Finds Person nodes with an ACTED_IN relationship to a Movie, then takes the number of Movie nodes for each "
        "Person, only where the number of Movie nodes is above 1, and returns the Person's name and the number of "
        "Movie nodes."
    ),
    "MATCH (u:User)-[r:RATED {rating: 5}]->(m:Movie) OPTIONAL MATCH (m)<-[:DIRECTED]-(d) RETURN u.name, d.name": (
        "Finds User nodes with a RATED relationship whose rating is 5 to a Movie, then also finds where the Movie has "
        "a DIRECTED relationship from a node (d), if there is any, and returns the User's name and d's name."
    ),
    "MATCH (p:Person) WHERE NOT exists { (p)-[:WROTE]->(:Movie) } AND p.born IS NULL RETURN count(DISTINCT p)": (
        "Finds Person nodes, where the Person has no WROTE relationship to a Movie and the Person's born is missing, "
        "and returns the number of different Person nodes."
    ),
    "MATCH (a:Person)-[:KNOWS*1..3]-(b:Person) RETURN a.name, b.name": (
        "Finds Person nodes (a) with 1 to 3 KNOWS relationships in a row in either direction to a Person (b), and "
        "returns the Person a's name and the Person b's name."
    ),
    "MATCH (m:Movie) WHERE m.title IN ['A', 'B'] OR toLower(m.title) CONTAINS 'x' RETURN m"
    " UNION MATCH (f:Film) RETURN f AS m": (
        "Finds Movie nodes, where the Movie's title is one of 'A', 'B' or the Movie's title in lower case contains "
        "'x', and returns the Movie; together with: finds Film nodes, and returns the Film."
    ),
    "RETURN 1": "Returns 1.",
    # relationship types that are verbs in the singular, nouns, prepositions
    "MATCH (d:Drug)-[:TREATS]->(i:Illness)<-[:AT_RISK_OF]-(p:Patient) RETURN d.name, avg(p.age)": (
        "Finds Drug nodes with a TREATS relationship to an Illness that has an AT_RISK_OF relationship from a Patient, "
        "and returns the average of the Patient's age for each Drug's name."
    ),
    "MATCH (u:User) WHERE NOT (u)-[:ENROLLED_IN]->(:University) RETURN u, EXISTS { (:Club)-[:HAS]->(u) } AS member": (
        "Finds User nodes, where the User has no ENROLLED_IN relationship to a University, and returns the User and "
        "whether the User has a HAS relationship from a Club."
    ),
    "MATCH (m:Movie) WHERE m.seen AND NOT m.title STARTS WITH 'A' AND NOT m.year IN [1, 2] RETURN collect(m.title)": (
        "Finds Movie nodes, where the Movie's seen is true and the Movie's title does not start with 'A' and the "
        "Movie's year is not one of 1, 2, and returns the list of values of the Movie's title."
    ),
    "MATCH p = shortestPath((a:Stop {name: 'X'})<-[:NEXT*..4]-(b:Stop {name: 'Y'})) RETURN length(p)": (
        "Finds the shortest path from a Stop whose name is 'Y' to a Stop whose name is 'X' over 1 to 4 NEXT "
        "relationships in a row, and returns the length of p."
    ),
}

# What a shorter wording would get wrong: names of another branch, conditions joined by OR, parts that end in a bracket
TRUE = {
    "MATCH (n:A) RETURN n UNION MATCH (n:B) RETURN n": "Finds A nodes, and returns the A; together with: finds B nodes",
    "CALL { MATCH (a:A) RETURN a.x AS x UNION MATCH (b:B) RETURN b.x AS x } RETURN x, count(*)": "for each x.",
    "MATCH (a:A) MATCH (a)-[:R]->(b:B) WHERE a.x = 1 OR b.x = 2 RETURN a": (
        "where the A has an R relationship to a B and (the A's x is 1 or the B's x is 2)"
    ),
    "MATCH (n:A&B) RETURN n": "Finds A and B nodes",
    "MATCH (n:!A) RETURN n": "Finds !A nodes",
    "MATCH (m:M) WHERE 1990 <= m.x < 2000 RETURN m": "1990 is at most the M's x and the M's x is below 2000",
    "RETURN [1, 2][0], {a: 1}.a, CASE WHEN true THEN 1 END": "[1, 2][0], {a: 1}.a and CASE WHEN true THEN 1 END",
    "MATCH (n) WHERE n.x IS NOT TYPED STRING NOT NULL RETURN n": "n.x IS NOT TYPED STRING NOT NULL",
    "MATCH (n:A) WHERE n.x IS NORMALIZED AND n.y IS NULL RETURN n": "n.x IS NORMALIZED and the A's y is missing",
    "MATCH (n) WHERE n.x XOR n.y IS NULL RETURN n": "where n.x XOR n.y IS NULL, and",
    "MATCH (n) WHERE (n.x = 1) XOR (n.y = 2) RETURN n": "(n.x = 1) XOR (n.y = 2)",
    "MATCH (n:A) WHERE NOT (n.x = 1 OR n.y = 2) RETURN n": "not (the A's x is 1 or the A's y is 2)",
    "MATCH (n:A) WHERE NOT (n)-[:R*2]->(:B) RETURN n": "not (there is (n)-[:R*2]->(:B))",
    "MATCH (n:A) WHERE NOT EXISTS { (:B)-->(:C) } RETURN n": "there is no B with a relationship to a C",
    "MATCH (a:A)-[:R*]->(b)-[:S*2..]->(c) RETURN a": "with 1 or more R relationships in a row to a node that has 2",
    "MATCH (a:A) WITH DISTINCT a.x AS x, a.y AS y RETURN x": "each combination once",
}


@pytest.mark.parametrize("query", TRUE)
def test_what_a_query_means_is_not_lost_in_the_wording(query: str) -> None:
    assert TRUE[query] in explain(query)


@pytest.mark.parametrize(
    ("noun", "article"),
    [("User", "a"), ("University", "a"), ("Umbrella", "an"), ("X relationship", "an"), ("Hour", "an"), ("House", "a")],
)
def test_a_noun_has_the_article_that_it_is_spoken_with(noun: str, article: str) -> None:
    assert an(noun) == f"{article} {noun}"


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
