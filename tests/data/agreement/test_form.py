"""What a question asks of the form of its query; `tests/evaluation` measures how rarely that is wrong."""

from __future__ import annotations

import pytest

from cypher_magic.data.agreement.form import missing_form
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.parse import parse

SCHEMA = GraphSchema.from_text("""\
(:Movie {title: STRING, rating: FLOAT, vote_count: INTEGER, most: INTEGER, runtime: INTEGER})
(:Person {name: STRING, phone: STRING, active: BOOLEAN})
(:Person)-[:ACTED_IN]->(:Movie)
""")
ALL = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN p.name"


@pytest.mark.parametrize(
    ("question", "query", "told"),
    [
        ("people with the number of movies", ALL, "says 'number of movies', and the query counts nothing"),
        ("How many films are there?", ALL, "says 'how many films', and the query counts nothing"),
        ("the Average rating", "MATCH (m:Movie) RETURN m.rating", "says 'Average', and the query takes no average"),
        (
            "What is the highest rating?",
            "MATCH (m:Movie) RETURN m.rating",
            "says 'highest', and the query does not sort",
        ),
        ("people who did not act", "MATCH (p:Person) RETURN p.name", "says 'not', and the query excludes nothing"),
        (
            "Which people haven't acted?",
            "MATCH (p:Person) RETURN p.name",
            'says "n\'t", and the query excludes nothing',
        ),
        (
            "How many movies for each person?",
            "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN count(m)",
            "says 'for each', and the query gives one number for all",
        ),
        (
            "how can I call Ann?",
            "MATCH (p:Person {name: 'Ann'}) RETURN p.name",
            "asks for the phone, and the query does not",
        ),
    ],
)
def test_a_form_that_is_asked_for_and_missing_is_told(question: str, query: str, told: str) -> None:
    assert missing_form(question, parse(query), SCHEMA) == [f"The question {told}."]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("each person with the number of movies", ALL + ", count(m)"),
        (
            "movies with the highest number of votes",
            "MATCH (m:Movie) RETURN m.title ORDER BY m.vote_count DESC LIMIT 1",
        ),
        ("the phone number of the person Ann", "MATCH (p:Person {name: 'Ann'}) RETURN p.phone"),
        ("What is the average rating?", "MATCH (m:Movie) RETURN avg(m.rating)"),
        ("What is the highest rating?", "MATCH (m:Movie) RETURN max(m.rating)"),
        ("Which movies have at least 3 actors?", ALL),
        ("movies of Clint West", ALL),
        ("What is the most of it?", "MATCH (m:Movie) RETURN m.most"),
        ("Who acted in Greatest Hits?", ALL),
        ("Who acted in No Country for Old Men?", ALL),
        ("people who are not active", "MATCH (p:Person {active: false}) RETURN p.name"),
        ("people without movies", "MATCH (p:Person) WHERE NOT (p)-[:ACTED_IN]->() RETURN p.name"),
        ("How many movies for each person?", "MATCH (p:Person)-->(m:Movie) RETURN p.name, count(m)"),
        (
            "What is the average number of movies per person?",
            "MATCH (p:Person)-->(m)\nWITH p, count(m) AS n\nRETURN avg(n)",
        ),
        ("how can I call Ann?", "MATCH (p:Person {name: 'Ann'}) RETURN p"),
        ("films of the 1990s", "MATCH (m:Movie) WHERE m.runtime >= 1990 AND m.runtime < 2000 RETURN m.title"),
        ("films of the 1990s", "MATCH (m:Movie) WHERE m.runtime > 1989 AND m.runtime <= 1999 RETURN m.title"),
        ("films of the 1990s", "MATCH (m:Movie) WHERE m.runtime / 10 = 199 RETURN m.title"),
        ("Welche Filme sind am längsten, Manifest?", ALL),
    ],
)
def test_a_form_that_is_there_or_was_not_meant_is_left_alone(question: str, query: str) -> None:
    assert missing_form(question, parse(query), SCHEMA) == []
