"""Orders and bounds that a query turns round or leaves out; `tests/evaluation` counts how rarely that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.asking.ask import ask
from cypher_magic.data.agreement.bounds import wrong_bounds
from cypher_magic.data.agreement.order import without_order, wrong_order
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.literals import number_of
from cypher_magic.query.parse import parse
from tests.asking.test_ask import Guided, Script

SCHEMA = GraphSchema.from_text("""\
(:Movie {title: STRING, runtime: INTEGER, released: INTEGER, imdbRating: FLOAT, rank: INTEGER})
(:Person {name: STRING, born: INTEGER})
(:Person)-[:ACTED_IN {fee: FLOAT}]->(:Movie)
""")
MOVIE = "MATCH (m:Movie) RETURN m.title ORDER BY "
COUNTED = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN p.name, count(m) AS n ORDER BY n"


@pytest.mark.parametrize(
    ("question", "query", "word"),
    [
        ("Which is shorter, Yojimbo or Ran?", MOVIE + "m.runtime DESC LIMIT 1", "shorter"),
        ("the longest movie", MOVIE + "m.runtime LIMIT 1", "longest"),
        ("Top 3 movies by year", MOVIE + "m.released LIMIT 3", "Top"),
        ("the youngest actor", "MATCH (p:Person) RETURN p.name ORDER BY p.born LIMIT 1", "youngest"),
        ("the oldest actor", "MATCH (p:Person) WITH p ORDER BY p.born DESC LIMIT 1 RETURN p.name", "oldest"),
        ("Who acted in the fewest movies?", COUNTED + " DESC LIMIT 1", "fewest"),
        ("Who acted in the most movies?", COUNTED + " LIMIT 1", "most"),
        ("lowest mean fee", "MATCH (p)-[r:ACTED_IN]->() RETURN p.name ORDER BY avg(r.fee) DESC LIMIT 1", "lowest"),
        ("fewest parts", "MATCH (p:Person) RETURN p.name ORDER BY COUNT { (p)-->() } DESC LIMIT 1", "fewest"),
    ],
)  # fmt: skip
def test_the_other_end_of_an_order_is_found(question: str, query: str, word: str) -> None:
    assert [said for _, said in wrong_order(parse(query), question, SCHEMA)] == [word]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("the longest movie", MOVIE + "m.runtime DESC LIMIT 1"),
        ("the longest movie", MOVIE + "m.runtime"),  # all of them: the order shows nothing else
        ("the highest rated of the oldest", MOVIE + "m.released LIMIT 1"),  # words of both ends
        ("movies of at least 90 minutes", MOVIE + "m.runtime LIMIT 5"),
        ("top 5 movies", MOVIE + "m.title LIMIT 5"),  # a text
        ("top 5 movies", MOVIE + "m.rank LIMIT 5"),  # the top one is the first
        ("some movies", MOVIE + "m.runtime LIMIT 5"),
        ("the longest", MOVIE + "size(m.title) LIMIT 1"),
        ("Who acted in the most movies?", COUNTED + " DESC LIMIT 1"),
    ],
)
def test_an_order_that_may_be_right_is_left_alone(question: str, query: str) -> None:
    assert wrong_order(parse(query), question, SCHEMA) == []


PEOPLE = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN p.name"


@pytest.mark.parametrize(
    ("question", "query", "found"),
    [
        ("List people younger than Ann", PEOPLE, [("younger", ["born"])]),
        ("the shortest film", MOVIE + "m.title LIMIT 1", [("shortest", ["runtime"])]),
        ("people older than Ann", PEOPLE, [("older", ["born", "released"])]),
        ("people older than Ann", PEOPLE + ", m.released", []),
        ("List people younger than Ann", "MATCH (p:Person), (q:Person) WHERE p.born > q.born RETURN p.name", []),
        ("the shortest path between Ann and Bob", PEOPLE, []),
        ("the first movie, the best one, the largest number", PEOPLE, []),
        ("at least two people", PEOPLE, []),
    ],
)
def test_a_comparison_that_the_query_does_not_make_is_found(
    question: str, query: str, found: list[tuple[str, list[str]]]
) -> None:
    assert without_order(parse(query), question, SCHEMA) == found


@pytest.mark.parametrize(
    ("question", "condition", "said"),
    [
        ("the 3 longest movies out in 2003", "m.released >= 2003", "in 2003"),
        ("movies that last 148 minutes", "148 < m.runtime", "last 148"),
        ("movies over 120 minutes", "m.runtime < 120", "over 120"),
        ("movies over 120 minutes", "m.runtime = 120", "over 120"),
        ("movies from before 1,990", "m.released > 1_990", "before 1,990"),
        ("rated 8.5 or better", "m.imdbRating <= 8.5", "8.5 or better"),
        ("with at least 2 actors", "COUNT { (m)<--() } = 2", "at least 2"),
        ("movies with rank over 31", "m.rank < 0x1F", "over 31"),
    ],
)
def test_a_bound_on_the_wrong_side_is_found(question: str, condition: str, said: str) -> None:
    query = parse(f"MATCH (m:Movie) WHERE {condition} RETURN m.title")
    assert [words for _, words in wrong_bounds(query, question)] == [said]


@pytest.mark.parametrize(
    ("question", "condition"),
    [
        ("movies out in 2003", "m.released = 2003"),
        ("movies in 2003 or later", "m.released >= 2003"),
        ("movies since 2003", "m.released = 2003"),  # may be either
        ("movies not over 120 minutes", "m.runtime <= 120"),
        ("movies that aren't over 120 minutes", "m.runtime <= 120"),
        ("between 1990 and 1999", "m.released >= 1990 AND m.released <= 1999"),
        ("starting in 1990", "m.released >= 1990"),
        ("over 2 actors in 2 genres", "COUNT { (m)--() } = 2"),  # said twice
        ("over 2 movies", "m.rank > 2 AND m.runtime = 2"),  # compared twice
        ("movies of the 90s", "m.released >= 1990"),
    ],
)
def test_a_bound_that_may_be_right_is_left_alone(question: str, condition: str) -> None:
    assert wrong_bounds(parse(f"MATCH (m:Movie) WHERE {condition} RETURN m.title"), question) == []


@pytest.mark.parametrize(("text", "value"), [("0x1F", 31), ("0o17", 15), ("1_000", 1000), (".5e1", 5), ("2.5", 2.5)])
def test_a_number_has_the_value_that_cypher_gives_it(text: str, value: float) -> None:
    numbers = (token for token in parse(f"RETURN {text}").tokens if token.type in ("INTEGER", "FLOAT"))
    assert [number_of(number) for number in numbers] == [value]


@pytest.mark.parametrize(
    ("question", "wrong", "right", "remark"),
    [
        (
            "Which is shorter, Yojimbo or Schindler's List?",
            "MATCH (m:Movie) WHERE m.title IN ['Yojimbo', 'Schindler\\'s List'] RETURN m.title "
            "ORDER BY m.runtime DESC LIMIT 1",
            "MATCH (m:Movie) WHERE m.title IN ['Yojimbo', 'Schindler\\'s List'] RETURN m.title "
            "ORDER BY m.runtime LIMIT 1",
            "The question says 'shorter', and the query takes the other end.",
        ),
        (
            "How many movies came out in 2003?",
            "MATCH (m:Movie) WHERE m.released >= 2003 RETURN count(m)",
            "MATCH (m:Movie) WHERE m.released = 2003 RETURN count(m)",
            "The question says 'in 2003', and the query compares with 2003 in another way.",
        ),
        (
            "Average IMDb rating per user",
            "MATCH (u:User)-[r:RATED]->(m:Movie) RETURN u.name, avg(r.rating)",
            "MATCH (u:User)-[r:RATED]->(m:Movie) RETURN u.name, avg(m.imdbRating)",
            "The question says 'IMDb rating', a property of Movie that the query does not use.",
        ),
        (
            "Which is the shortest animation?",
            "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Animation'}) RETURN m.title ORDER BY m.title LIMIT 1",
            "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Animation'}) RETURN m.title ORDER BY m.runtime LIMIT 1",
            "The question says 'shortest', and the query does not look at runtime.",
        ),
    ],
)
def test_such_a_query_is_tried_again_and_shown_with_a_remark_where_there_is_no_better_one(
    demo_graph: Any, question: str, wrong: str, right: str, remark: str
) -> None:
    assert ask(question, model=Guided(wrong, right), graph=demo_graph).query == right
    last = ask(question, model=Script(wrong), graph=demo_graph)
    assert last.query == wrong and len(last.df) > 0
    assert remark in last.notes
