"""Words that nothing explains; `tests/evaluation` measures how rarely something is said of a right query."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.asking import unexplained
from cypher_magic.asking.ask import Rules, ask
from cypher_magic.asking.homes import Home
from cypher_magic.asking.near import Place
from cypher_magic.asking.work import Work, Written, answered_by
from cypher_magic.query.parse import parse
from tests.asking.test_ask import Guided, Script

TITLES = "MATCH (m:Movie) RETURN m.title"


def looked(graph: Any, question: str, query: str = TITLES) -> unexplained.Unexplained:
    return unexplained.unexplained(question, parse(query), graph.schema(), graph)


@pytest.mark.parametrize(
    ("question", "query", "label", "value"),
    [
        ("crime films", TITLES, "Genre", "Crime"),
        ("comedies from 1999", TITLES, "Genre", "Comedy"),
        ("which drama is it?", "MATCH (m:Movie)-[:IN_GENRE]->(:Genre) RETURN m.title", "Genre", "Drama"),
        (
            "Which films did Tom Hanks direct?",
            "MATCH (:Person)-[:DIRECTED]->(m:Movie) RETURN m.title",
            "Person",
            "Tom Hanks",
        ),
        ("movies of tom hanks", TITLES, "Person", "Tom Hanks"),
        ("Tom Hanks's movies", TITLES, "Person", "Tom Hanks"),
    ],
)
def test_a_text_of_the_graph_that_the_query_leaves_out_is_found(
    demo_graph: Any, question: str, query: str, label: str, value: str
) -> None:
    found = looked(demo_graph, question, query)
    assert found.forgotten == (Place(label, "name", value),)
    assert found.notes == [f"The question says {value!r}, the name of a {label}, and the query does not."]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("How many spaceships are there?", "spaceships"),
        ("What is the price of Alien?", "price"),
        ("List all invoices", "invoices"),
        ("movies and their budgets", "budgets"),
        ("average salary per continent", "continent"),
    ],
)
def test_what_is_asked_for_and_names_nothing_is_found(demo_graph: Any, question: str, word: str) -> None:
    found = looked(demo_graph, question, "MATCH (m:Movie) WHERE m.title <> 'Alien' RETURN count(m)")
    assert found.unknown == (word,)
    assert found.notes == [f"Nothing in the graph is called {word!r}: see what is shown instead."]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("How many films are there?", "MATCH (m:Movie) RETURN count(m)"),  # the lexicon has it for movies
        ("Which performers were born in 1960?", "MATCH (p:Person)-[:ACTED_IN]->() WHERE p.born = 1960 RETURN p.name"),
        ("crime films", "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Crime'}) RETURN m.title"),
        ("Which big movies are there?", TITLES),  # one movie is called so, and it is no name here
        ("Big movies", TITLES),
        ("Show everyone involved in Volver in any way", "MATCH (p)-->(:Movie {title: 'Volver'}) RETURN p.name"),
        (
            "Who directed The Godfahter?",
            "MATCH (p:Person)-[:DIRECTED]->(:Movie {title: 'The Godfather'}) RETURN p.name",
        ),
        ("Combien de films?", "MATCH (m:Movie) RETURN count(m)"),
        ("", TITLES),
    ],
)
def test_words_that_are_explained_or_name_nothing_for_sure_are_left_alone(
    demo_graph: Any, question: str, query: str
) -> None:
    assert looked(demo_graph, question, query) == unexplained.Unexplained()


def test_nothing_is_said_to_be_unknown_when_the_graph_took_too_long(
    demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unexplained, "SECONDS", 0.0)
    assert looked(demo_graph, "How many spaceships are there?") == unexplained.Unexplained()


def test_a_text_that_was_left_out_is_asked_for_again(demo_graph: Any) -> None:
    without = "MATCH (m:Movie) WHERE m.released < 1960 RETURN m.title"
    right = "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Crime'}) WHERE m.released < 1960 RETURN m.title"
    answer = ask("crime films from before 1960", model=Guided(without, right), graph=demo_graph)
    assert answer.query == right and answer.notes == () and len(answer.attempts) == 2
    assert any(step.name == "words" and "'Crime', the name of a Genre" in step.outcome for step in answer.steps)
    again = ask("crime films from before 1960", model=Guided(without, without), graph=demo_graph)
    assert again.query == without and again.notes == (
        "The question says 'Crime', the name of a Genre, and the query does not.",
    )


def test_the_next_query_has_to_have_the_text_where_it_belongs(demo_graph: Any) -> None:
    work = Work("crime films", demo_graph, demo_graph.schema(), Rules())
    work.take(Written(TITLES))
    assert not work.done and work.homes == {Home("Crime", "Genre", "name")}
    codes = [
        [complaint.code for complaint in work.against(parse(query), whole=True)]
        for query in (
            "MATCH (m:Movie) RETURN m.released",
            "MATCH (m:Movie {title: 'Crime'}) RETURN m.released",
            "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Crime'}) RETURN m.title",
        )
    ]
    assert codes == [["left_out", "found_nothing"], ["misplaced_text"], []]


@pytest.mark.parametrize("rules", [Rules(near="off"), Rules(run=False)])
def test_the_graph_is_not_asked_where_it_is_not_to_be(demo_graph: Any, rules: Rules) -> None:
    answer = ask(
        "How many spaceships are there?", model=Script("MATCH (m:Movie) RETURN count(m)"), graph=demo_graph, rules=rules
    )
    assert answer.notes == ()


def test_a_query_of_a_persons_own_is_theirs(demo_graph: Any) -> None:
    answer = ask(
        "crime films",
        model=Script("MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Crime'}) RETURN m.title"),
        graph=demo_graph,
    )
    assert answered_by(TITLES, answer, demo_graph, Rules()).notes == ()


def test_a_text_that_nobody_said_is_in_doubt_also_where_it_brings_rows(demo_graph: Any) -> None:
    query = "MATCH (m:Movie)-[:IN_GENRE]->(g:Genre) WHERE g.name IN ['Comedy', 'Horror'] RETURN count(DISTINCT m)"
    right = "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Comedy'}) RETURN count(m)"
    answer = ask("How many comedies are there?", model=Guided(query, right), graph=demo_graph)
    assert answer.query == right and len(answer.attempts) == 2
    work = Work("How many comedies are there?", demo_graph, demo_graph.schema(), Rules())
    work.take(Written(query))
    assert [c.code for c in work.against(parse(query), whole=False)] == ["unsaid_text"]
    assert work.against(parse(right), whole=True) == []
