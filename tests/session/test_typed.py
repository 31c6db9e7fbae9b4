"""Queries that a person typed: they run, and notes and hints say what our own checks know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic import session
from cypher_magic.errors import NotReadOnly, QueryFailed
from cypher_magic.graph.result import QueryResult
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.session.typed import advised, noted

if TYPE_CHECKING:
    from cypher_magic.graph.neo4j_graph import Connection

MOVIES = "CREATE (:Person {name: 'P', born: 1960})-[:ACTED_IN {role: 'x'}]->(:Movie {title: 'A'})"
SCHEMA = GraphSchema.from_text("(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)")


@pytest.fixture
def seen(demo_graph: Connection) -> Connection:
    """The demo graph with its schema looked at."""
    demo_graph.schema()
    return demo_graph


def notes(text: str, *theirs: str) -> tuple[str, ...]:
    return noted(QueryResult((), (), notes=theirs), text, SCHEMA).notes


def hint(text: str, message: str, code: str = "Neo.ClientError.Statement.SyntaxError") -> str:
    with pytest.raises(QueryFailed) as caught, advised(text):
        raise QueryFailed(message, code=code)
    return caught.value.hint


def test_names_that_the_graph_does_not_have_are_noted_and_the_query_runs(seen: Connection) -> None:
    result = session.query("MATCH (p:Persn) RETURN p.name", connection=seen)
    assert result.notes == ("line 1, column 10: The graph has no label Persn. (did you mean Person?)",)
    assert result.rows == () and "did you mean Person?" in repr(result)
    nulls = session.query("MATCH (p:Person) RETURN p.nmae LIMIT 2", connection=seen)
    assert nulls.rows == ((None,), (None,)) and "did you mean name?" in nulls.notes[0]
    turned = session.query("MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN m.title", connection=seen)
    assert "other direction" in turned.notes[0]
    assert session.query("MATCH (p:Person) RETURN p.name LIMIT 1", connection=seen).notes == ()


def test_no_schema_is_read_for_the_notes(demo_graph: Connection) -> None:
    assert session.query("MATCH (p:Persn) RETURN p.name", connection=demo_graph).notes == ()
    assert demo_graph.cached_schema() is None


def test_a_schema_older_than_what_was_written_is_not_asked(embedded_graph: Connection) -> None:
    session.query(MOVIES, write=True, connection=embedded_graph)
    embedded_graph.schema()
    session.query("CREATE (:Note {n: 1})", write=True, connection=embedded_graph)
    assert session.query("MATCH (n:Note) RETURN n.n", connection=embedded_graph).notes == ()
    embedded_graph.schema()
    assert session.query("MATCH (n:Note) RETURN n.m", connection=embedded_graph).notes


def test_places_count_in_the_whole_text() -> None:
    text = "\nRETURN 1;\nEXPLAIN MATCH (p:Persn) RETURN p;  MATCH (p:Person) RETURN p.nmae"
    assert [note.partition(": ")[0] for note in notes(text)] == ["line 3, column 18", "line 3, column 62"]


@pytest.mark.parametrize("text", ["CREATE (:Persn)", "SHOW DATABASES", "nonsense", "", "RETURN x", "CYPHER 5 RETURN 1"])
def test_nothing_is_noted_about_what_only_the_server_can_judge(text: str) -> None:
    assert notes(text) == ()


def test_what_the_server_remarks_about_the_same_place_is_not_said_twice() -> None:
    text = "MATCH (p:Persn), (m:Movie) RETURN p"
    same, other = "The label `Persn` does not exist (line 1, column 10)", "A cartesian product (line 1, column 1)"
    assert notes(text, same, other) == (
        "line 1, column 10: The graph has no label Persn. (did you mean Person?)",
        other,
    )


@pytest.mark.neo4j
def test_neo4j_and_the_checks_name_the_same_places(neo4j_graph: Connection) -> None:
    neo4j_graph.write(MOVIES)
    neo4j_graph.schema(refresh=True)
    text = "MATCH (p:Persn)-[:ACTEDIN]->(m) WHERE m.titel = 'A' RETURN p"
    assert len(neo4j_graph.explain(text).notifications) == 3
    planned = session.query(text, explain=True, connection=neo4j_graph)
    assert len(planned.notes) == 3 and all("did you mean" in note for note in planned.notes)
    assert session.query(text, connection=neo4j_graph).notes == planned.notes


def test_a_syntax_error_has_our_parsers_hint_for_the_place_that_the_server_names() -> None:
    assert hint("MATCH (n) RETRN n", "Invalid input 'RETRN' (line 1, column 11 (offset: 10))") == "did you mean RETURN?"
    text = "RETURN 1;\nMATCH (n) RETURN m"
    assert hint("MATCH (name) RETURN nme", "Variable `nme` not defined (line 1, column 21 (offset: 20))") == (
        "did you mean name?"
    )
    assert hint(text, "Variable `m` not defined (line 2, column 18 (offset: 27))") == ""


def test_what_our_parser_can_not_read_elsewhere_is_hinted_with_its_place() -> None:
    assert hint("MATCH (n) RETRN n", "Invalid input") == "line 1, column 11: did you mean RETURN?"
    assert hint("MATCH (n) RETRN n", "Invalid (line 1, column 1)") == "line 1, column 11: did you mean RETURN?"


@pytest.mark.parametrize("text", ["CREATE (n:A) RETRN n", "LOAD CSV FROM 'x' AS y RETRN y", "MATCH (n) RETURN n"])
def test_what_only_our_parser_refuses_is_no_hint(text: str) -> None:
    assert hint(text, "Invalid input (line 1, column 1 (offset: 0))") == ""


def test_other_errors_keep_their_own_hints() -> None:
    assert hint("MATCH (n) RETRN n", "no memory", "Neo.TransientError.General.MemoryPoolOutOfMemoryError") == ""
    with pytest.raises(NotReadOnly, match="changes"), advised("CREATE (n)"):
        raise NotReadOnly("This query changes the graph.")


def test_a_typing_error_on_the_demo_graph_has_a_hint(demo_graph: Connection) -> None:
    with pytest.raises(QueryFailed) as caught:
        session.query("MATCH (m:Movie) RETRN m.title", connection=demo_graph)
    assert caught.value.hint == "did you mean RETURN?" and "line 1, column 17" in caught.value.message
    with pytest.raises(QueryFailed, match="line 2, column 17") as caught:
        session.query("RETURN 1;\n MATCH (m:Movie RETURN m", multi=True, connection=demo_graph)
    assert caught.value.hint == "perhaps a ) is missing"
    with pytest.raises(QueryFailed) as caught:
        session.query("MATCH (m:Movie)\nRETURN x", connection=demo_graph)
    assert caught.value.hint == "line 2, column 8: The variable x is not defined."


@pytest.mark.neo4j
@pytest.mark.parametrize("options", [{}, {"explain": True}, {"profile": True}, {"write": True}])
def test_a_typing_error_on_neo4j_names_its_place_and_has_a_hint(
    neo4j_graph: Connection, options: dict[str, Any]
) -> None:
    with pytest.raises(QueryFailed, match=r"line 2, column 1 \(offset: 10\)") as caught:
        session.query("MATCH (n)\nRETRN n", connection=neo4j_graph, **options)
    assert caught.value.hint == "did you mean RETURN?"
