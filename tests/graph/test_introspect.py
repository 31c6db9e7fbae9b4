"""The schema that the probes find is the graph's, the same on both engines, within bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cypher_magic import places
from cypher_magic.errors import OptionError
from cypher_magic.graph import introspect
from cypher_magic.graph.schema import GraphSchema, Triple

TRICKY = """
CREATE (m:Movie:`Award winner` {title: 'A', year: 1999, score: 1.5, seen: true, tags: ['x'], sizes: [1, 2], none: [],
        day: date('2020-01-01'), at: datetime('2020-01-01T10:00:00Z'), local: localdatetime('2020-01-01T10:00:00'),
        clock: time('10:00:00Z'), wall: localtime('10:00:00'), long: duration('P1D'), place: point({x: 1, y: 2})})
CREATE (:Movie {title: 'B', score: 2, none: ['now one'], mixed: 1})
CREATE (:Movie {title: 'C', mixed: 'text'})
CREATE (p:Person {name: 'P', `full name`: 'P Q'})
CREATE (p)-[:ACTED_IN {roles: ['r'], pay: 1}]->(m), (p)-[:KNOWS {since: date('2020-01-01')}]->(p)
CREATE (m)-[:KNOWS]->(:Empty), (:`back``tick`)-[:`odd type`]->(:Empty)
CREATE (:_Bloom_Perspective_ {id: 1})-[:_Bloom_HAS_SCENE_]->(:_Bloom_Scene_ {id: 2})
CREATE ({unlabelled: true})-[:KNOWS]->(p)
"""

TRICKY_SCHEMA = """(:`Award winner` {at: ZONED DATETIME, clock: ZONED TIME, day: DATE, local: LOCAL DATETIME, \
long: DURATION, none: LIST<ANY>, place: POINT, score: FLOAT, seen: BOOLEAN, sizes: LIST<INTEGER>, tags: LIST<STRING>, \
title: STRING, wall: LOCAL TIME, year: INTEGER})
(:Empty)
(:Movie {at: ZONED DATETIME, clock: ZONED TIME, day: DATE, local: LOCAL DATETIME, long: DURATION, \
mixed: INTEGER | STRING, none: LIST<STRING>, place: POINT, score: FLOAT, seen: BOOLEAN, sizes: LIST<INTEGER>, \
tags: LIST<STRING>, title: STRING, wall: LOCAL TIME, year: INTEGER})
(:Person {`full name`: STRING, name: STRING})
(:`back``tick`)
(:`Award winner`)-[:KNOWS {since: DATE}]->(:Empty)
(:Movie)-[:KNOWS {since: DATE}]->(:Empty)
(:Person)-[:ACTED_IN {pay: INTEGER, roles: LIST<STRING>}]->(:`Award winner`)
(:Person)-[:ACTED_IN {pay: INTEGER, roles: LIST<STRING>}]->(:Movie)
(:Person)-[:KNOWS {since: DATE}]->(:Person)
(:`back``tick`)-[:`odd type`]->(:Empty)"""


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def graph(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_graph")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "cache_dir", lambda: tmp_path / "cache")


def lines(text: str) -> list[str]:
    return sorted(text.splitlines())


def test_names_types_and_triples_are_those_of_the_graph_on_both_engines(graph: Any) -> None:
    graph.write(TRICKY)
    schema = graph.schema()
    assert lines(schema.render()) == lines(TRICKY_SCHEMA)
    assert schema.notes == ()
    assert list(schema.labels) == sorted(schema.labels)


def test_the_text_form_reads_back_to_the_same_fingerprint(embedded_graph: Any) -> None:
    embedded_graph.write(TRICKY)
    expected = GraphSchema.from_text(embedded_graph.schema().render())
    assert expected.render() == embedded_graph.schema().render()
    assert expected.fingerprint == embedded_graph.schema().fingerprint


def test_indexes_and_constraints_are_listed_with_their_owner(graph: Any) -> None:
    graph.write("CREATE (:Movie {title: 'A', year: 1})")
    graph.write("CREATE CONSTRAINT one_title FOR (m:Movie) REQUIRE m.title IS UNIQUE")
    graph.write("CREATE INDEX by_year FOR (m:Movie) ON (m.year)")
    found = {(index.name, index.kind, index.owner, index.properties) for index in graph.schema(refresh=True).indexes}
    assert ("one_title", "UNIQUENESS", "Movie", ("title",)) in found
    assert ("by_year", "RANGE", "Movie", ("year",)) in found
    assert len(found) == 2


def test_an_empty_graph_has_an_empty_schema(graph: Any) -> None:
    assert graph.schema().render() == ""


def test_labels_that_are_gone_leave_the_schema_after_a_write(graph: Any) -> None:
    graph.write("CREATE (:Old)-[:WAS]->(:Old), (:New)")
    assert set(graph.schema().labels) == {"Old", "New"}
    graph.write("MATCH (o:Old) DETACH DELETE o")
    assert set(graph.schema().labels) == {"New"}
    assert graph.schema().triples == ()


def test_sample_values_are_off_unless_asked_for_short_and_on_one_line(graph: Any) -> None:
    graph.write(
        "UNWIND range(1, 20) AS i CREATE (:Film {genre: CASE WHEN i > 5 THEN 'Drama' ELSE 'Comedy' END, n: i % 2,"
        " plot: 'long ' + reduce(s = '', x IN range(1, 100) | s + 'x'), odd: 'two\\nlines', tags: ['a']})"
    )
    assert graph.schema().values == {}
    values = graph.schema(values=True).values
    assert values["Film.genre"] == ("Drama", "Comedy")
    assert set(values["Film.n"]) == {0, 1}
    assert values["Film.odd"] == ("two lines",)
    assert "Film.plot" not in values
    assert "Film.tags" not in values


def test_a_triple_beyond_the_sample_is_found_without_looking_at_everything(
    graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introspect, "_EDGES", 50)
    monkeypatch.setattr(introspect, "_ORIGINS", 40)
    graph.write("UNWIND range(1, 300) AS i CREATE (:A {i: i})-[:R]->(:B {i: i})")
    graph.write("CREATE (:C)-[:R]->(:D), (:A {last: true})-[:R]->(:D)")
    triples = set(graph.schema(refresh=True).triples)
    assert {Triple("A", "R", "B"), Triple("C", "R", "D")} <= triples
    assert Triple("C", "R", "B") not in triples
    assert Triple("B", "R", "A") not in triples


def test_the_time_budget_ends_the_probes_and_says_what_is_missing(graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.write("UNWIND range(1, 5) AS i CREATE (:A)-[:R]->(:B)")
    asked: list[str] = []
    probe = graph.probe
    monkeypatch.setattr(graph, "probe", lambda text, *a, **k: (asked.append(text), probe(text, *a, **k))[1])
    schema = graph.schema(refresh=True, budget=0.0)
    assert asked and not any("MATCH" in text for text in asked)  # names and indexes, which cost nothing
    assert any("time for reading the schema ended" in note for note in schema.notes)
    assert not (places.cache_dir() / "schemas").exists()


def test_an_override_file_is_used_instead_of_the_graph(graph: Any) -> None:
    places.config_dir().mkdir(parents=True)
    (places.config_dir() / "mine.txt").write_text("(:Only {this: STRING})\n", encoding="utf-8")
    graph.settings = {"schema": "mine.txt"}
    assert graph.schema().labels == {"Only": {"this": "STRING"}}
    (places.config_dir() / "mine.json").write_text(graph.schema().to_json(), encoding="utf-8")
    graph.settings = {"schema": "mine.json"}
    assert graph.schema(refresh=True).labels == {"Only": {"this": "STRING"}}
    (places.config_dir() / "mine.txt").write_text("no schema\n", encoding="utf-8")
    graph.settings = {"schema": "mine.txt"}
    with pytest.raises(OptionError, match=r"mine.txt can not be used: line 1"):
        graph.schema(refresh=True)


def test_hidden_names_are_left_out(graph: Any) -> None:
    graph.write("CREATE (:Shown)-[:KEPT]->(:Shown)-[:AUDIT]->(:Secret)")
    graph.settings = {"hide": ("Secret", "AUDIT")}
    schema = graph.schema()
    assert (list(schema.labels), schema.triples) == (["Shown"], (Triple("Shown", "KEPT", "Shown"),))


@pytest.mark.neo4j
def test_the_newest_nodes_are_sampled_too(neo4j_graph: Any) -> None:
    neo4j_graph.write("UNWIND range(1, 3000) AS i CREATE (:A {old: i})")
    for _ in range(20):  # the newest has the highest id, unless the server hands out one that a deleted node had
        neo4j_graph.write("CREATE (:A {new: 'x'})")
        if neo4j_graph.read("MATCH (n:A) WITH n ORDER BY n DESC LIMIT 1 RETURN n.new").rows == (("x",),):
            break
        neo4j_graph.write("UNWIND range(1, 500) AS i CREATE (:A {old: i})")  # uses such ids up
    assert neo4j_graph.schema().labels == {"A": {"new": "STRING", "old": "INTEGER"}}


@pytest.mark.neo4j
def test_the_cache_on_disk_is_used_while_the_names_are_the_same(neo4j_graph: Any, neo4j_server: Any) -> None:
    neo4j_graph.write("CREATE (:A {x: 1})-[:R]->(:B)")
    first = neo4j_graph.schema()
    files = list((places.cache_dir() / "schemas").iterdir())
    assert len(files) == 1
    kept = json.loads(files[0].read_text(encoding="utf-8"))
    kept["schema"]["labels"]["A"] = {"x": "FROM THE CACHE"}
    files[0].write_text(json.dumps(kept), encoding="utf-8")
    assert introspect.known_schema(neo4j_graph).labels["A"] == {"x": "FROM THE CACHE"}
    assert introspect.known_schema(neo4j_graph, refresh=True) == first
    neo4j_server.run("CREATE (:C)")
    assert set(introspect.known_schema(neo4j_graph).labels) == {"A", "B", "C"}
    files[0].write_text("{broken", encoding="utf-8")
    assert set(introspect.known_schema(neo4j_graph).labels) == {"A", "B", "C"}


@pytest.mark.neo4j
def test_a_cache_folder_that_can_not_be_written_costs_only_time(
    neo4j_graph: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(places, "cache_dir", lambda: tmp_path / "file")
    neo4j_graph.write("CREATE (:A)")
    assert set(neo4j_graph.schema().labels) == {"A"}
