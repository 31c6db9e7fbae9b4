"""Values that a query looks for in vain: found near by, offered or applied, on the demo graph."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cypher_magic.asking.ask import Rules, ask
from cypher_magic.asking.homes import Home, not_at_home
from cypher_magic.asking.near import PROBES, Probes, score
from cypher_magic.asking.vain import vain, where_vain
from cypher_magic.asking.values import is_empty, missing
from cypher_magic.asking.work import Work, Written, answered_by
from cypher_magic.errors import QueryFailed
from cypher_magic.graph.result import QueryResult
from cypher_magic.query.literals import literals, text_of, written
from cypher_magic.query.parse import parse
from tests.asking.test_ask import Guided, Script

CORRECTED = {
    "MATCH (m:Movie {title: 'the matrix'}) RETURN m.released": "'The Matrix'",  # case
    "MATCH (m:Movie {title: 'Matrix'}) RETURN m.released": "'The Matrix'",  # an article
    "MATCH (p:Person {name: 'Francois Truffaut'}) RETURN p.born": "'François Truffaut'",  # an accent
    "MATCH (p:Person {name: 'Tom Hank'}) RETURN p.born": "'Tom Hanks'",  # a slip
    "MATCH (p:Person {name: 'Keenu Reves'}) RETURN p.born": "'Keanu Reeves'",
    "MATCH (m:Movie) WHERE m.title = 'The Good, the Bad, and the Ugly' RETURN m": "'The Good, the Bad and the Ugly'",
    "MATCH (m:Movie) WHERE m.title CONTAINS 'matrix' RETURN m.title": "'Matrix'",
    "MATCH (m:Movie) WHERE toLower(m.title) CONTAINS 'Matrix' RETURN m.title": "'matrix'",
    "MATCH (p:Person)-[r:ACTED_IN]->() WHERE 'neo' IN r.roles RETURN p.name": "'Neo'",
    "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'sci fi'}) RETURN count(m)": "'Sci-Fi'",
    "MATCH (p:Person) WHERE p.name IN ['tom hanks', 'Tom Hanks'] AND p.name <> 'Tom Hanks' RETURN p": None,
    "MATCH (p:User {name: 'Tom Hanks'})-[:RATED]->(m) RETURN m.title": None,  # no User, and no Person rates
    "MATCH (m:Movie {title: 'Xyzzy Plugh'}) RETURN m.title": None,
    "MATCH (m:Movie {title: 'The Matrix'}) WHERE m.released = 1900 RETURN m.title": None,  # the value is there
}


@pytest.mark.parametrize("query", CORRECTED)
def test_a_value_is_read_as_the_near_one_that_the_graph_has(demo_graph: Any, query: str) -> None:
    question = "Which, Xyzzy Plugh?"  # else that title would be the model's invention
    answer = ask(question, model=Script(query, query), graph=demo_graph, rules=Rules(retries=0))
    assert answer.complaints == () and answer.result is not None
    value = CORRECTED[query]
    if value is None:
        assert answer.query == query and answer.repairs == ()
    else:
        assert value in answer.query and not is_empty(answer.result)
        assert f"read as {value}" in answer.repairs[0]
        assert answer.diff.splitlines() == [f"-{query}", f"+{answer.query}"]
        assert answer.repairs[0] in repr(answer) and f"+{answer.query}" in repr(answer)


def test_label_and_property_are_exchanged_where_nothing_else_speaks_of_the_node(demo_graph: Any) -> None:
    path = "MATCH path = shortestPath(({})-[*..6]-({})) RETURN length(path)"
    query = path.format("m:Movie {title: 'Western'}", "m2:Movie {title: 'Elif Yılmaz'}")
    answer = ask("How far is Western from Elif Yılmaz?", model=Script(query), graph=demo_graph)
    assert answer.query == path.format("m:Genre {name: 'Western'}", "m2:User {name: 'Elif Yılmaz'}")
    assert len(answer.attempts) == 1 and answer.repairs == (
        "No Movie has the title 'Western': looked for as name of Genre",
        "No Movie has the title 'Elif Yılmaz': looked for as name of User",
    )


def test_a_label_stays_where_the_question_asks_for_things_of_it(demo_graph: Any) -> None:
    query = "MATCH (u:User {name: 'Tom Hanks'}) RETURN u"
    kept = ask("Which users are Tom Hanks?", model=Script(query), graph=demo_graph)
    assert kept.query == query and "it is the name of a Person" in kept.notes[0]
    moved = ask("Who is Tom Hanks?", model=Script(query), graph=demo_graph)
    assert moved.query == "MATCH (u:Person {name: 'Tom Hanks'}) RETURN u"


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (m:Movie {title: 'Western'})--(n) RETURN m.title",  # used elsewhere
        "MATCH (p:Person)-[:ACTED_IN]->(m:Movie {title: 'Western'}) RETURN p.name",  # nobody acts in a genre
        "MATCH (m:Movie {title: 'Western', released: 1999})--(n) RETURN count(n)",  # no genre was released
    ],
)
def test_they_stay_where_the_node_could_not_be_one_of_the_other_label(demo_graph: Any, query: str) -> None:
    answer = ask("Who is in Western, 1999?", model=Script(query), graph=demo_graph, rules=Rules(retries=0))
    assert answer.query == query and answer.repairs == ()


def test_a_label_is_exchanged_for_the_one_that_has_the_value_where_that_fits(demo_graph: Any) -> None:
    query = "MATCH (p:Person {name: 'Jun Takeda'}) RETURN p.name"
    answer = ask("Who is Jun Takeda?", model=Script(query), graph=demo_graph)
    assert answer.query == "MATCH (p:User {name: 'Jun Takeda'}) RETURN p.name"
    assert answer.repairs == ("No Person has the name 'Jun Takeda': looked for as name of User",)


def test_a_value_of_another_variable_is_compared_with_that_one(demo_graph: Any) -> None:
    query = "MATCH (p:Person)-[:DIRECTED]->(m:Movie) WHERE p.name IN ['Alien', 'Jaws'] RETURN DISTINCT p.name"
    answer = ask("People who made either Alien or Jaws", model=Script(query), graph=demo_graph)
    assert answer.query == query.replace("p.name IN", "m.title IN") and len(answer.df) == 2
    assert answer.repairs[0] == "No Person has the name 'Alien': looked for as title of Movie"
    query = "MATCH (u:User)-[:RATED]->(m:Movie)<-[:DIRECTED]-(p:Person) WHERE p.name = 'Jun Takeda' RETURN p.name"
    answer = ask("Who directed what Jun Takeda rated?", model=Script(query), graph=demo_graph)
    assert answer.query == query.replace("p.name =", "u.name =") and len(answer.df) > 0
    two = "MATCH (p:Person)-->(m:Movie), (p)-->(n:Movie) WHERE p.name = 'Alien' RETURN p.name"
    answer = ask("Who made Alien?", model=Script(two), graph=demo_graph, rules=Rules(retries=0))
    assert answer.query == two and answer.repairs == ()


def test_a_value_of_another_property_is_looked_for_there_whatever_its_case(demo_graph: Any) -> None:
    query = "MATCH (m:Movie {tagline: 'the matrix'}) RETURN count(m) AS n"
    answer = ask("How many movies are called the matrix?", model=Script(query), graph=demo_graph)
    assert answer.query == "MATCH (m:Movie {title: 'The Matrix'}) RETURN count(m) AS n"
    assert answer.repairs == ("No Movie has the tagline 'the matrix': looked for as title of Movie",)
    assert answer.result is not None and answer.result.rows == ((1,),)


def test_a_value_that_is_elsewhere_is_told_also_when_the_answer_is_a_count_of_nothing(demo_graph: Any) -> None:
    query = "MATCH (p:Person)-[:DIRECTED]->(m:Movie {title: 'tom hanks'}) RETURN count(p) AS n"
    answer = ask("How many made tom hanks?", model=Script(query), graph=demo_graph, rules=Rules(retries=0))
    assert answer.query == query.replace("(m:Movie {title: 'tom hanks'})", "(m:Movie {title: 'tom hanks'})")
    assert "No Movie has the title 'tom hanks'; it is the name of a Person." in answer.notes


def test_a_value_of_another_label_is_said_and_the_model_tries_again_with_it_there(demo_graph: Any) -> None:
    wrong = "MATCH (m:Movie)-[:IN_GENRE]->(g:Genre {name: 'Jeff Goldblum'}) RETURN m.title"
    right = "MATCH (m:Movie)<-[:ACTED_IN]-(p:Person {name: 'Jeff Goldblum'}) RETURN m.title"
    model = Guided(wrong, right)
    answer = ask("movies with Jeff Goldblum", model=model, graph=demo_graph)
    assert answer.query == right and len(answer.df) > 0
    assert [s.outcome for s in answer.steps if s.name == "again"] == ["with 'Jeff Goldblum' as the name of a Person"]
    assert model.asked[1][0] == "movies with Jeff Goldblum"
    drops = "MATCH (m:Movie)-[:IN_GENRE]->(g) RETURN m.title"
    dropped = ask("movies with Jeff Goldblum", model=Guided(wrong, drops, drops), graph=demo_graph)
    assert dropped.query == wrong and dropped.sentence.startswith("Nothing found")  # not the rows of another question
    again = ask("movies with Jeff Goldblum", model=Guided(wrong, wrong), graph=demo_graph)
    assert again.query == wrong
    assert "No Genre has the name 'Jeff Goldblum'; it is the name of a Person." in again.notes
    assert again.sentence.startswith("Nothing found")


def test_a_query_that_finds_nothing_gives_way_to_another_likely_one_and_the_answer_says_so(demo_graph: Any) -> None:
    nothing = "MATCH (p:Person {name: 'Dennis Hopper'})-[:DIRECTED]->(m:Movie) RETURN m.title"
    found = nothing.replace("DIRECTED", "ACTED_IN")
    answer = ask("films with Dennis Hopper", model=Guided(nothing, found), graph=demo_graph)
    assert answer.query == found and len(answer.df) > 0
    assert answer.notes[0] == f"The question can be read in two ways, and the first found nothing: {nothing}"
    wrote = nothing.replace("DIRECTED", "WROTE")
    neither = ask("films with Dennis Hopper", model=Guided(nothing, wrote), graph=demo_graph)
    assert neither.query == nothing and neither.sentence.startswith("Nothing found after 2 tries")
    sure = ask("films with Dennis Hopper", model=Guided(nothing, nothing), graph=demo_graph)  # no other is likely
    assert sure.query == nothing and sure.notes == () and sure.sentence.startswith("Nothing found")
    once = ask("films with Dennis Hopper", model=Script(nothing), graph=demo_graph)  # a model that can not be led
    assert once.query == nothing and len(once.attempts) == 1


def test_two_values_in_each_others_place_are_exchanged(demo_graph: Any) -> None:
    query = "MATCH (u:User {name: 'Jackie Brown'})-[r:RATED]->(m:Movie {title: 'Jun Takeda'}) RETURN r.rating"
    answer = ask("What score did Jun Takeda give to Jackie Brown?", model=Script(query), graph=demo_graph)
    assert "(u:User {name: 'Jun Takeda'})-[r:RATED]->(m:Movie {title: 'Jackie Brown'})" in answer.query
    assert answer.repairs == ("'Jackie Brown' and 'Jun Takeda' stood in each other's place",)
    assert len(answer.df) == 1


def test_a_text_that_was_looked_for_in_vain_may_only_be_compared_with_what_has_it(demo_graph: Any) -> None:
    schema = demo_graph.schema()
    query = "MATCH (m:Movie {title: 'ada okafor'}) RETURN m"
    homes = missing(query, schema, demo_graph, "what about ada okafor").homes
    assert homes == {Home("ada okafor", "User", "name")}
    places = {  # a query, and where it goes wrong
        query: "title",
        "MATCH (m:Movie) WHERE m.title = 'Ada Okafor' RETURN m": "title",
        "MATCH (m:Movie) WHERE m.title CONTAINS ' Okafor' RETURN m": "title",
        "MATCH (u:User {name: 'Ada Okafor'})-[:RATED]->(m:Movie) RETURN m": None,
        "MATCH (m:Movie {title: 'Alien'}) RETURN m": None,
    }
    for text, place in places.items():
        complaints = not_at_home(parse(text), schema, homes)
        assert [c.column for c in complaints] == ([text.index(place) + 1] if place else [])
        assert all(c.message.endswith("kafor' is the name of a User.") for c in complaints)


def test_a_text_with_an_apostrophe_is_found_again_in_the_next_query(demo_graph: Any) -> None:
    wrong = "MATCH (m:Movie)-[:IN_GENRE]->(g:Genre {name: 'Schindler\\'s List'}) RETURN m.title"
    right = "MATCH (m:Movie {title: 'Schindler\\'s List'}) RETURN m.released"
    answer = ask("When was Schindler's List made?", model=Guided(wrong, right), graph=demo_graph)
    assert answer.query == right and len(answer.df) == 1


def test_a_label_may_still_be_written_for_what_is_one(demo_graph: Any) -> None:
    work = Work("which movies did Ada Okafor rate", demo_graph, demo_graph.schema(), Rules())
    work.take(Written("MATCH (m:Movie {title: 'Ada Okafor'})-[:IN_GENRE]->(g:Genre) RETURN g.name"))
    right = "MATCH (u:User {name: 'Ada Okafor'})-[:RATED]->(m:Movie) RETURN m.title"
    assert not work.done and work.banned == frozenset() and work.against(parse(right), whole=True) == []


def test_what_found_nothing_is_known_again_under_other_names(demo_graph: Any) -> None:
    empty = vain("MATCH (u:User)-[r:RATED]->(m:Movie {title: 'Barry'})\nRETURN r.rating", QueryResult(("a",), ()))
    same = "MATCH (x:User)-[:RATED]->(y:Movie {title: 'Barry'}) RETURN x.name"
    assert where_vain(same, {empty}) == same.index(" RETURN")
    assert where_vain(same.replace("RETURN", "WHERE x.name = 'Jo' RETURN"), {empty}) is None  # judged on its way there
    assert where_vain(same.replace("Barry", "Big"), {empty}) is None
    null = vain("MATCH (m:Movie {title: 'Big'}) RETURN m.tagline", QueryResult(("a",), ((None,),)))
    other = "MATCH (n:Movie {title: 'Big'}) RETURN n.released"
    assert where_vain(other, {null}) is None
    assert where_vain("MATCH (m:Movie {title: 'Big'})  RETURN m.tagline", {null}) is not None


def test_a_last_name_is_read_as_the_one_person_who_has_it(demo_graph: Any) -> None:
    query = "MATCH (p:Person {name: 'Tarantino'})-[:DIRECTED]->(m) RETURN m.title"
    answer = ask("movies by Tarantino", model=Script(query), graph=demo_graph)
    assert answer.repairs == ("No Person has the name 'Tarantino': read as 'Quentin Tarantino'",) and len(answer.df) > 3
    coen = query.replace("Tarantino", "Coen")
    several = ask("movies by Coen", model=Script(coen), graph=demo_graph)
    assert several.query == coen and "Near to it:" in several.notes[0]
    genre = "MATCH (m:Movie)-[:IN_GENRE]->(g:Genre {name: 'Tarantino'}) RETURN m.title"
    homes = missing(genre, demo_graph.schema(), demo_graph, "movies by Tarantino").homes
    assert homes == {Home("Tarantino", "Person", "name")}


def test_a_text_that_is_copied_with_the_whole_question_or_in_part_is_found(demo_graph: Any) -> None:
    query = "MATCH (m:Movie {title: 'The imdb rating of Jaws'}) RETURN m.imdbRating"
    answer = ask("the IMDb rating of Jaws?", model=Script(query), graph=demo_graph)
    assert answer.query == query.replace("The imdb rating of Jaws", "Jaws")
    query = "MATCH (u:User {name: 'Spirited'})-[r:RATED]->(m:Movie) RETURN r.rating"
    homes = missing(query, demo_graph.schema(), demo_graph, "Spirited Away's score").homes
    assert homes == {Home("Spirited", "Movie", "title")}
    query = "MATCH (m:Movie) WHERE m.title IN ['Shining', 'Get Out'] RETURN m.title ORDER BY m.imdbRating DESC LIMIT 1"
    answer = ask("The Shining or Get Out?", model=Script(query), graph=demo_graph)
    assert "['The Shining', 'Get Out']" in answer.query


def test_a_name_that_was_copied_wrong_is_read_as_the_question_has_it(demo_graph: Any) -> None:
    query = "MATCH (p:Person {name: 'Jineth Henry'})-[:ACTED_IN]->(m) RETURN m.title"
    right = ask("movies with Justin Henry", model=Script(query), graph=demo_graph)
    assert "'Justin Henry'" in right.query and right.result is not None and right.result.rows
    part = "MATCH (p:User {name: 'Takeda'})-[:RATED]->(m) RETURN m.title"
    assert "'Jun Takeda'" in ask("what did Jun Takeda rate?", model=Script(part), graph=demo_graph).query
    title = "MATCH (m:Movie {title: 'The Birds with Melanie'}) RETURN m"
    assert (
        ask("cast of The Birds with Melanie", model=Script(title), graph=demo_graph).query == title
    )  # as it was asked
    unsure = ask("movies with Jineth Henry", model=Script(query), graph=demo_graph)
    assert unsure.query == query and "Near to it: 'Justin Henry'" in unsure.notes[0]


def test_offered_values_are_shown_and_not_applied(demo_graph: Any) -> None:
    query = "MATCH (m:Movie {title: 'the matrix'}) RETURN m.released"
    answer = ask("Matrix release year", model=Script(query), graph=demo_graph, rules=Rules(near="offer"))
    assert (answer.query, answer.repairs) == (query, ())
    assert any("read as 'The Matrix'?" in note for note in answer.notes)
    ignored = ask("Matrix release year", model=Script(query), graph=demo_graph, rules=Rules(near="off"))
    assert ignored.notes == () and "values" not in {s.name for s in ignored.steps}


def test_values_that_are_near_but_not_sure_are_offered(demo_graph: Any) -> None:
    query = "MATCH (m:Movie {title: 'The Terminal Man'}) RETURN m.released"
    answer = ask("release year of The Terminal Man", model=Script(query), graph=demo_graph)
    assert answer.query == query
    assert any("Near to it: 'The Terminal'" in note for note in answer.notes)


INVENTED = "MATCH (p {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie {title: 'Asthastic'}) RETURN count(m) > 0 AS is_it"


def test_a_value_that_nobody_said_and_nothing_has_is_a_complaint_and_no_answer(demo_graph: Any) -> None:
    right = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m) RETURN count(m) > 0 AS is_it"
    model = Script(INVENTED, right)
    answer = ask("Does Tom Hanks act?", model=model, graph=demo_graph)
    assert (answer.query, answer.complaints) == (right, ())
    told = "The query looks for 'Asthastic', which the question does not say, and the graph has no such thing there."
    assert told in model.asked[1][0]
    left = ask("Does Tom Hanks act?", model=Script(INVENTED, INVENTED), graph=demo_graph)
    assert left.result is None and [c.code for c in left.complaints] == ["invented"]
    assert left.complaints[0].column == INVENTED.index("Asthastic") + 1
    assert repr(left).count("Asthastic") == 2 and "false" not in repr(left)  # in the query and in the complaint


def test_after_a_value_that_was_made_up_only_what_was_said_may_be_written(demo_graph: Any) -> None:
    work = Work("Is Tom Hanks in Big?", demo_graph, demo_graph.schema(), Rules())
    work.take(Written(INVENTED))
    assert not work.done and {"Tom Hanks", "Big"} <= work.texts and "Asthastic" not in work.texts


def test_a_value_that_was_copied_wrong_and_is_near_nothing_is_no_answer(demo_graph: Any) -> None:
    query = "MATCH (m:Movie {tagline: 'asthast'}) RETURN count(m) AS n"
    answer = ask("How many movies are about asthma?", model=Script(query, query), graph=demo_graph)
    assert [c.code for c in answer.complaints] == ["invented"]


def test_a_persons_own_query_may_look_for_what_was_not_asked(demo_graph: Any) -> None:
    asked = ask("How many films?", model=Script("MATCH (m:Movie) RETURN count(m)"), graph=demo_graph)
    answer = answered_by("MATCH (m:Movie {title: 'Asthastic'}) RETURN m.title", asked, demo_graph, Rules())
    assert answer.complaints == () and answer.result is not None and answer.result.rows == ()


def test_a_value_that_was_copied_wrong_is_found_also_where_another_brings_rows(demo_graph: Any) -> None:
    query = "MATCH (m:Movie) WHERE m.title IN ['Kelly\\'s Delivery Service', 'Speed'] RETURN m.title"
    answer = ask("Kiki's Delivery Service and Speed", model=Script(query), graph=demo_graph)
    assert "'Kiki\\'s Delivery Service'" in answer.query and len(answer.df) == 2
    fits = "MATCH (m:Movie)-[:IN_GENRE]->(:Genre {name: 'Comedy'}) RETURN m.title"
    answer = ask("Which comedies are there?", model=Script(fits), graph=demo_graph)
    assert answer.query == fits and answer.complaints == () and len(answer.df) > 0


def test_a_value_that_was_said_and_that_nothing_has_is_looked_for_in_vain(demo_graph: Any) -> None:
    answer = ask("Does Tom Hanks act in Asthastic?", model=Script(INVENTED), graph=demo_graph)
    assert answer.complaints == () and answer.result is not None and answer.result.rows == ((False,),)
    before = ask("Who made Asthastic?", model=Script(INVENTED), graph=demo_graph).turn
    again = ask("And Tom Hanks?", model=Script(INVENTED), graph=demo_graph, history=[before])
    assert again.complaints == ()


def test_hostile_values_travel_as_parameters(demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    read = type(demo_graph).read
    monkeypatch.setattr(demo_graph, "read", lambda text, *a, **o: sent.append(text) or read(demo_graph, text, *a, **o))
    evil = "x'}) DETACH DELETE n //"
    found = missing(f"MATCH (m:Movie {{title: {written(evil)}}}) RETURN m", demo_graph.schema(), demo_graph)
    assert found.repairs == ()
    assert sent and not any("DELETE" in text for text in sent)


def test_probes_are_bounded_in_number_and_time(demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []

    def slow(text: str, params: Any, *, timeout: float, **options: Any) -> QueryResult:
        calls.append(timeout)
        time.sleep(0.05)
        raise QueryFailed("too slow")

    schema = demo_graph.schema()
    monkeypatch.setattr(demo_graph, "read", slow)
    probes = Probes(demo_graph, seconds=0.2)
    for _ in range(10):
        assert probes.rows("RETURN 1") == []
    assert len(calls) <= 4 and probes.ended and all(t <= 0.2 for t in calls)
    many = Probes(demo_graph, seconds=60)
    for _ in range(PROBES + 5):
        many.rows("RETURN 1")
    assert len(calls) <= 4 + PROBES
    names = ", ".join(f"'name {i}'" for i in range(50))
    calls.clear()
    query = f"MATCH (p:Person) WHERE p.name IN [{names}] RETURN p"
    assert missing(query, schema, demo_graph).query == query
    assert len(calls) <= PROBES


def test_literals_are_found_with_what_they_are_compared_with(demo_graph: Any) -> None:
    query = (
        "MATCH (p:Person {name: 'To\\'m'})-[r:ACTED_IN]->(m) WHERE m.title = 'a' OR \"b\" = m.title "
        "OR toUpper(m.title) ENDS WITH 'C' AND 'Neo' IN r.roles AND p.name IN ['d', 'e'] AND m.released = 'f' "
        "AND m.nothing = 'g' WITH p AS q WHERE q.name STARTS WITH 'h' RETURN q.name + 'i'"
    )
    found = [
        (x.value, x.owners, x.property, x.operator, x.function) for x in literals(parse(query), demo_graph.schema())
    ]
    assert found == [
        ("To'm", ("Person",), "name", "=", ""),
        ("a", ("Movie",), "title", "=", ""),
        ("b", ("Movie",), "title", "=", ""),
        ("C", ("Movie",), "title", "ENDS WITH", "toUpper"),
        ("Neo", ("ACTED_IN",), "roles", "=", ""),
        ("d", ("Person",), "name", "=", ""),
        ("e", ("Person",), "name", "=", ""),
        ("h", ("Person",), "name", "STARTS WITH", ""),
    ]


@pytest.mark.parametrize("value", ["plain", "it's", 'a "b"', "back\\slash", "line\nbreak", "ünïcode ☃"])
def test_a_value_that_is_written_into_a_query_is_read_as_the_same(value: str) -> None:
    token = next(t for t in parse(f"RETURN {written(value)}").tokens if t.type == "STRING")
    assert text_of(token) == value


def test_scores_put_case_before_articles_before_slips_before_parts() -> None:
    scores = [
        score("the matrix", v) for v in ("The Matrix", "Matrix, The", "The Mtrix", "The Matrix Reloaded", "Alien")
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0 and scores[-1] < 0.6


@pytest.mark.parametrize(
    ("rows", "empty"),
    [((), True), (((0,),), True), (((None, []),), True), (((False,),), True), (((1,),), False), (((0,), (0,)), False)],
)
def test_a_result_of_nothing_is_empty(rows: tuple[tuple[Any, ...], ...], empty: bool) -> None:
    assert is_empty(QueryResult(tuple("abc"[: len(rows[0])] if rows else "a"), rows)) is empty
