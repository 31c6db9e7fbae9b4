from __future__ import annotations

import pytest

from cypher_magic.asking.notes import explanation, remarks, spans
from cypher_magic.data.example import Turn
from cypher_magic.graph.schema import GraphSchema

BEFORE = (Turn("Who wrote Jaws?", "MATCH (p)-[:WROTE]->(:Movie {title: 'Jaws'}) RETURN p"),)
QUERY = "MATCH (m:Movie) RETURN m.title"


@pytest.mark.parametrize(
    "question",
    ["delete all movies", "Please remove Tom Hanks", "can you drop the database?", "  Update the title of X"],
)
def test_who_asks_for_a_change_is_told_that_nothing_was_changed(question: str) -> None:
    assert remarks(question, QUERY)[0].startswith("Nothing was changed: a question only reads")


@pytest.mark.parametrize(
    "question", ["Which movies were deleted?", "Create a list of movies", "movies to remove", "set in 3D"]
)
def test_a_question_that_only_sounds_like_a_change_gets_no_note(question: str) -> None:
    assert remarks(question, QUERY) == ()


def test_a_year_or_a_quoted_name_that_the_query_leaves_out_is_said() -> None:
    assert remarks("movies since 1999 with 'Tom Hanks'", QUERY) == (
        "The question says 'Tom Hanks' and '1999', and the query does not.",
    )
    assert remarks("movies since 1999", QUERY + " // 1999") == ()
    assert remarks("movies of the 1990s about Alien's crew", QUERY) == ()
    assert remarks("movies since 1999", "") == ()


def test_a_follow_up_that_forgets_what_it_follows_is_said() -> None:
    forgets = "MATCH (p:Person)-[:DIRECTED]->(m:Movie) RETURN p.name"
    assert remarks("and who directed it?", forgets, BEFORE) == (
        "The query before looks for 'Jaws', and this one does not.",
    )
    assert remarks("and who directed it?", forgets.replace(":Movie", ":Movie {title: 'Jaws'}"), BEFORE) == ()
    assert remarks("and what about Alien?", forgets, BEFORE) == ()
    on_its_own = "It reads as if it went on from another question, and was asked on its own."
    assert remarks("and who directed it?", forgets) == (on_its_own,)


def test_only_a_query_is_explained() -> None:
    assert explanation(QUERY) == "Finds Movie nodes, and returns the Movie's title."
    assert explanation("") == explanation("nonsense") == ""


@pytest.mark.parametrize("question", ["warfarin", "Who takes warfarine?", "and who takes it?"])
def test_what_the_question_or_the_conversation_says_is_not_remarked(question: str) -> None:
    before = [Turn("Who takes Warfarin?", "MATCH (p) RETURN p", ("p",), ())] if question.startswith("and") else []
    assert not any(
        "does not say" in note for note in remarks(question, "MATCH (d {name: 'Warfarin'}) RETURN d", before)
    )


def test_a_text_that_the_model_invented_is_remarked() -> None:
    query = "MATCH (p:Patient {city: 'London'}) WHERE p.sex = 'asthastematically' RETURN p"
    assert remarks("Which patients live in London and have asthma?", query) == (
        "The query looks for 'asthastematically', which the question does not say.",
    )


def test_a_property_that_the_question_says_and_the_query_does_not_use_is_remarked() -> None:
    schema = GraphSchema.from_text("(:Patient {name: STRING, insured: BOOLEAN})")
    question, query = "Which insured patients are there?", "MATCH (p:Patient) RETURN p.name"
    assert remarks(question, query, schema=schema) == (
        "The question says 'insured', a property of Patient that the query does not use.",
    )
    assert remarks("Which patients are called 'insured'?", query, schema=schema) == (
        "The question says 'insured', and the query does not.",
    )
    assert remarks(question, query) == remarks(question, "", schema=schema) == ()


def test_what_may_be_looked_for_are_words_of_the_question_and_of_the_conversation() -> None:
    before = [Turn("Who wrote it?", "MATCH (m:Movie {title: 'Jaws'}) RETURN m", ("t", "n"), (("The Birds", 3),))]
    found = spans('and "Heath Ledger", in 10 Things?', before)
    assert {"Heath Ledger", "10 Things", "Heath", "Jaws", "The Birds"} <= found
    assert not {"", '"Heath', "Things?", "3", "Ledger in"} & found
    assert len(spans("x " * 300)) <= 8
    assert all(len(text.split()) <= 8 for text in spans(" ".join(f"w{i}" for i in range(100))))
