"""The hand-written questions: every reference query is read-only Cypher that finds something on its graph."""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.asking.unexplained import unexplained
from cypher_magic.data.agreement.echo import echoed
from cypher_magic.data.agreement.form import missing_form
from cypher_magic.data.agreement.gaps import gaps
from cypher_magic.data.agreement.numbers import unsaid_numbers
from cypher_magic.data.agreement.unused import unused
from cypher_magic.data.agreement.wanted import only_values, other_kind
from cypher_magic.data.pairs import generate_pairs
from cypher_magic.data.read import load_examples
from cypher_magic.data.schemas import graph_schema
from cypher_magic.errors import CypherSyntaxError
from cypher_magic.graph import demo
from cypher_magic.query.parse import parse
from cypher_magic.query.readonly import read_only

if TYPE_CHECKING:
    from types import ModuleType

    from cypher_magic.graph.neo4j_graph import Connection

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Questions = dict[str, list[dict[str, Any]]]


@pytest.mark.parametrize(("name", "count"), [("movies", 60), ("hospital", 60), ("quickstart", 10)])
def test_a_file_has_its_number_of_questions_each_whole_and_asked_once(
    hand_written: Questions, name: str, count: int
) -> None:
    rows = hand_written[name]
    assert len(rows) == count
    assert all(set(row) == {"question", "query", "kind", "hops"} for row in rows)
    assert all(isinstance(row["hops"], int) and row["kind"] and row["query"] for row in rows)
    assert not [text for text, n in Counter(_plain(row["question"]) for row in rows).items() if n > 1]


def test_no_question_of_the_quickstart_is_in_the_movie_test(hand_written: Questions) -> None:
    asked = {_plain(row["question"]) for row in hand_written["movies"]}
    queries = {row["query"] for row in hand_written["movies"]}
    assert not [
        row for row in hand_written["quickstart"] if _plain(row["question"]) in asked or row["query"] in queries
    ]


@pytest.mark.parametrize("name", ["movies", "hospital"])
def test_the_questions_vary_in_kind_and_hops(hand_written: Questions, name: str) -> None:
    kinds = Counter(row["kind"] for row in hand_written[name])
    assert len(kinds) >= 12
    assert max(kinds.values()) <= 12
    assert {0, 1, 2} <= {row["hops"] for row in hand_written[name]}
    assert sum(row["hops"] >= 2 for row in hand_written[name]) >= 12


@pytest.mark.parametrize("name", ["movies", "quickstart"])
def test_every_reference_query_on_the_demo_graph_finds_rows(
    hand_written: Questions, movies: Connection, name: str
) -> None:
    assert not _without_rows(hand_written[name], movies)


def test_every_reference_query_on_the_hospital_finds_rows(hand_written: Questions, hospital: Connection) -> None:
    assert not _without_rows(hand_written["hospital"], hospital)


def test_every_reference_query_passes_the_read_only_gate(hand_written: Questions) -> None:
    refused = {row["query"]: read_only(row["query"]) for rows in hand_written.values() for row in rows}
    assert not {query: complaints for query, complaints in refused.items() if complaints}


@pytest.mark.neo4j
@pytest.mark.parametrize("name", ["movies", "quickstart", "hospital"])
def test_neo4j_and_the_embedded_graph_give_the_same_rows(
    request: pytest.FixtureRequest,
    hand_written: Questions,
    hospital_module: ModuleType,
    neo4j_graph: Connection,
    name: str,
) -> None:
    embedded = request.getfixturevalue("hospital" if name == "hospital" else "movies")
    if name == "hospital":
        hospital_module.load(neo4j_graph)
    else:
        demo.fill(neo4j_graph)
    queries = [row["query"] for row in hand_written[name]]
    assert not [query for query in queries if _bag(neo4j_graph, query) != _bag(embedded, query)]


def test_fewer_than_one_right_query_in_a_hundred_is_said_to_leave_out_a_name(
    hand_written: Questions, movies: Connection, hospital: Connection
) -> None:
    examples = [(movies, row) for name in ("movies", "quickstart") for row in hand_written[name]]
    examples += [(hospital, row) for row in hand_written["hospital"]]
    for name in ("demo_train", "demo_val"):
        with (EXAMPLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            examples += [(movies, row) for row in csv.DictReader(file)]
    for graph in (movies, hospital):
        examples += [(graph, {"question": p.question, "query": p.query}) for p in generate_pairs(graph, 600)]
    found = [
        (row["question"], row["query"], left_out)
        for graph, row in examples
        if (left_out := unused(row["question"], parse(row["query"]), graph.schema()))
    ]
    print(f"{len(found)} of {len(examples)} right queries")
    assert len(examples) > 1500
    assert len(found) < 0.01 * len(examples), found


def test_fewer_than_one_right_query_in_a_hundred_is_taken_to_have_a_number_that_nobody_said(
    hand_written: Questions, movies: Connection, hospital: Connection
) -> None:
    asked = [(row["question"], row["query"], ()) for rows in hand_written.values() for row in rows]
    for graph in (movies, hospital):
        asked += [(p.question, p.query, p.history) for p in generate_pairs(graph, 600)]
    found = [(q, query) for q, query, history in asked if unsaid_numbers(parse(query), q, history)]
    print(f"{len(found)} of {len(asked)} right queries")
    assert len(asked) > 1000 and len(found) < 0.01 * len(asked), found


def test_fewer_than_one_right_query_in_a_hundred_is_said_to_leave_out_or_turn_round_what_the_question_says(
    hand_written: Questions, movies: Connection, hospital: Connection
) -> None:
    examples = [
        (movies, row["question"], row["query"]) for name in ("movies", "quickstart") for row in hand_written[name]
    ]
    examples += [(hospital, row["question"], row["query"]) for row in hand_written["hospital"]]
    for graph in (movies, hospital):
        examples += [(graph, p.question, p.query) for p in generate_pairs(graph, 600)]
    found = [
        (question, query, lines)
        for graph, question, query in examples
        if (
            lines := [
                *gaps(question, parse(query), graph.schema()),
                *unexplained(question, parse(query), graph.schema(), graph).notes,
            ]
        )
    ]
    print(f"{len(found)} of {len(examples)} right queries")
    assert len(examples) > 1000 and len(found) < 0.01 * len(examples), found


TEXT2CYPHER = Path(__file__).resolve().parents[3] / "shared" / "data" / "text2cypher"


@pytest.mark.skipif(not TEXT2CYPHER.is_dir(), reason="the rows of text2cypher are not there")
def test_fewer_than_one_in_two_hundred_queries_on_graphs_of_others_is_said_to_be_of_another_form_or_kind() -> None:
    rows = load_examples(
        TEXT2CYPHER / "text2cypher_gpt4turbo.csv", schemas=TEXT2CYPHER / "text2cypher_schemas.csv"
    ).train
    schemas = {text: graph_schema(text) for text in {row.schema for row in rows if row.schema}}
    read = []
    for row in rows:
        with contextlib.suppress(CypherSyntaxError):
            read += [(row.question, parse(row.query), schemas[row.schema])] if row.schema else []
    found = [
        (question, query.text, lines)
        for question, query, schema in read
        if (
            lines := [
                *echoed(query),
                *filter(None, [only_values(question, query, schema), other_kind(question, query, schema)]),
            ]
        )
        or (lines := missing_form(question, query, schema))
    ]
    print(f"{len(found)} of {len(read)} queries")
    assert len(read) > 7000 and len(found) < 0.005 * len(read), found


def _bag(graph: Connection, query: str) -> Counter[str]:
    """The rows in any order; sums of floats may differ in the last digits."""
    rows = graph.read(query).rows
    return Counter(repr([round(value, 9) if isinstance(value, float) else value for value in row]) for row in rows)


def _plain(question: str) -> str:
    return re.sub(r"\W+", " ", question).strip().lower()


def _without_rows(rows: list[dict[str, Any]], graph: Connection) -> list[str]:
    """Questions whose reference query finds nothing, or only nulls."""
    return [
        row["question"]
        for row in rows
        if not any(value is not None for found in graph.read(row["query"]).rows for value in found)
    ]
