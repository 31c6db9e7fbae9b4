"""Repairs: one right answer or none, always reported, never empty."""

from __future__ import annotations

import pytest

from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.query.check import check
from cypher_magic.query.repair import repair

SCHEMA = GraphSchema(
    labels={"Movie": {"title": "STRING", "released": "INTEGER"}, "Person": {"name": "STRING", "born": "INTEGER"}},
    relationship_types={"ACTED_IN": {"roles": "LIST<STRING>"}, "ACTED_ON": {}, "KNOWS": {}, "rated by": {}},
    triples=(
        Triple("Person", "ACTED_IN", "Movie"),
        Triple("Person", "KNOWS", "Person"),
        Triple("Movie", "rated by", "Person"),
    ),
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("MATCH (m:movie) RETURN m.Title", "MATCH (m:Movie) RETURN m.title"),
        ("MATCH (m:Movies {titel: 'x'}) RETURN m", "MATCH (m:Movie {title: 'x'}) RETURN m"),
        ("MATCH (a)-[:ratedBy]->(b) RETURN a", "MATCH (a)-[:`rated by`]->(b) RETURN a"),
        (
            "MATCH (m:Movie)-[r:ACTED_IN {roles: ['x']}]->(p:Person) RETURN r",
            "MATCH (m:Movie)<-[r:ACTED_IN {roles: ['x']}]-(p:Person) RETURN r",
        ),
        ("MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN m", "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN m"),
        (
            "MATCH (m:Movie)-[:ACTED_IN]->(p)-[:KNOWS]->(q)<-[:ACTED_IN]-(n:Movie) RETURN m",
            "MATCH (m:Movie)<-[:ACTED_IN]-(p)-[:KNOWS]->(q)-[:ACTED_IN]->(n:Movie) RETURN m",
        ),
        ("MATCH (m:Movie) WHERE m.title != 'a' AND m.released != 1 RETURN m",
         "MATCH (m:Movie) WHERE m.title <> 'a' AND m.released <> 1 RETURN m"),
        ("MATCH (m:`movie`) RETURN '(:movie)-->'", "MATCH (m:Movie) RETURN '(:movie)-->'"),
    ],
)  # fmt: skip
def test_a_slip_with_one_right_answer_is_put_right(before: str, after: str) -> None:
    repaired = repair(before, SCHEMA)
    assert repaired.text == after
    assert repaired.changes
    assert check(repaired.text, SCHEMA) == []


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (p:Person)-[:KNOWS]->(q:Person) RETURN p",  # fits
        "MATCH (p:Person)-[:ACTED]->(m) RETURN p",  # ACTED_IN or ACTED_ON?
        "MATCH (m:Movie)-[:KNOWS]->(p:Person) RETURN m",  # no direction exists
        "MATCH (m:Movie)-[:ACTED_IN]-(p:Person) RETURN m",  # has no direction
        "MATCH (m:Spaceship) RETURN m.captain",
        "MATCH (m:Movie) RETURN m.title GROUP BY m.title",
        "MATCH (m:Movie)\nRETURN m\nHAVING m.x > 1",
        "MATCH (m:Movie)\nRETURN m\nDELETE m",
        "MATCH (m:Movie) RETURN m;\nMATCH (p:Person) RETURN p",
        "no query at all",
        "```\n```",
        "",
        "   ",
    ],
)
def test_where_there_is_no_one_answer_nothing_is_changed(query: str) -> None:
    repaired = repair(query, SCHEMA)
    assert (repaired.text, repaired.changes, repaired.diff) == (query, (), "")


@pytest.mark.parametrize(
    "reply",
    [
        "```cypher\nMATCH (m:Movie)\nRETURN m\n```",
        "```\nMATCH (m:Movie)\nRETURN m\n```\nThis query returns all movies.",
        "Here is the query you asked for:\n\n```cypher\nMATCH (m:Movie)\nRETURN m\n```\n\nIt returns movies.",
        "Cypher: MATCH (m:Movie)\nRETURN m",
        "**Cypher query:**\nMATCH (m:Movie)\nRETURN m",
        "cypher\nMATCH (m:Movie)\nRETURN m",
        "Sure! The query is\nMATCH (m:Movie)\nRETURN m",
        "MATCH (m:Movie)\nRETURN m\n\nThis query returns all movies.",
        "MATCH (m:Movie)\nRETURN m\nAs you can see, it returns movies",
        "MATCH (m:Movie)\nRETURN m<|im_end|>",
        "MATCH (m:Movie)\nRETURN m\n```",
        "MATCH (m:Movie)\nRETURN m\n# Explanation\nmovies",
    ],
)
def test_markdown_and_prose_around_a_query_are_taken_away_and_reported(reply: str) -> None:
    repaired = repair(reply, SCHEMA)
    assert repaired.text == "MATCH (m:Movie)\nRETURN m"
    assert all(change.before and "taken away" in change.reason for change in repaired.changes)


def test_the_changes_and_the_diff_tell_the_whole_story() -> None:
    repaired = repair("MATCH (m:Movie)\nMATCH (m)-[:ACTED_IN]->(p)\nRETURN p.Name", SCHEMA)
    assert [(c.before, c.after, c.line, c.column) for c in repaired.changes] == [
        ("Name", "name", 3, 10),
        ("-[:ACTED_IN]->", "<-[:ACTED_IN]-", 2, 10),
    ]
    assert repaired.diff.splitlines() == [
        "-MATCH (m)-[:ACTED_IN]->(p)",
        "-RETURN p.Name",
        "+MATCH (m)<-[:ACTED_IN]-(p)",
        "+RETURN p.name",
    ]


def test_without_a_schema_only_the_wrapping_and_signs_are_repaired() -> None:
    repaired = repair("```\nMATCH (m:movie) WHERE m.x != 1 RETURN m\n```")
    assert repaired.text == "MATCH (m:movie) WHERE m.x <> 1 RETURN m"


def test_a_long_reply_is_left_alone_in_reasonable_time() -> None:
    reply = "well\n" * 100_000
    assert repair(reply, SCHEMA).text == reply
