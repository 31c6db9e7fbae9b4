"""Numbers that a query compares with a property, and that nobody said; `tests/evaluation` counts how rarely wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.asking.ask import ask
from cypher_magic.data.agreement.numbers import unsaid_numbers
from cypher_magic.query.parse import parse
from tests.asking.test_ask import Guided, Script


@pytest.mark.parametrize(
    ("question", "condition", "unsaid"),
    [
        ("movies from 1999", "m.released = 1999", []),
        ("movies from 1999", "m.released = 2000", ["2000"]),
        ("movies from 1999", "m.released IN [1999, 2001]", ["2001"]),
        ("movies longer than 1,200 minutes", "m.runtime > 1200", []),
        ("rated three or better", "m.imdbRating >= 3.0", []),
        ("movies of the nineties", "m.released >= 1990 AND m.released < 2000", []),
        ("movies longer than two hours", "m.runtime > 120", []),
        ("highly rated movies", "m.imdbRating >= 8", []),
        ("rated since May", "m.released >= 1704067200", []),
        ("movies with a rating", "m.imdbRating > 0", []),
        ("long titles", "size(m.title) > 20", []),  # no property itself
        ("two of them", "m.released > 2 LIMIT 7", []),
    ],
)
def test_a_number_that_is_compared_must_be_said(question: str, condition: str, unsaid: list[str]) -> None:
    query = f"MATCH (m:Movie) WHERE {condition.replace(' LIMIT 7', '')} RETURN m.title LIMIT 7"
    assert [str(n) for n in unsaid_numbers(parse(query), question)] == unsaid


def test_a_query_with_a_number_that_nobody_said_is_tried_again_and_the_rows_of_the_last_resort_say_so(
    demo_graph: Any,
) -> None:
    guess = "MATCH (p:Person {name: 'Graham Greene'}), (q:Person) WHERE q.born < 1950 RETURN q.name"
    right = guess.replace("1950", "p.born")
    question = "Who is older than Graham Greene?"
    assert ask(question, model=Guided(guess, right), graph=demo_graph).query == right
    for model in (Guided(guess, guess), Script(guess)):
        answer = ask(question, model=model, graph=demo_graph)
        assert answer.query == guess and len(answer.df) > 0
        assert "The query compares with 1950, which the question does not say." in answer.notes
