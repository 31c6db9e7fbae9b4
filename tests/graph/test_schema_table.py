from __future__ import annotations

from typing import Any

from IPython.core.formatters import PlainTextFormatter

from cypher_magic.graph.schema import GraphSchema, Index, Triple

SCHEMA = GraphSchema(
    labels={"Person": {"name": "STRING", "odd name": "INTEGER"}, "Movie": {}},
    relationship_types={"ACTED_IN": {"roles": "LIST<STRING>"}, "UNUSED": {}},
    triples=(Triple("Person", "ACTED_IN", "Movie"), Triple("Person", "KNOWS", "Person")),
    indexes=(Index("person_name", "UNIQUENESS", "Person", ("name",)),),
    values={"Person.name": ("Tom Hanks", "<b>Meg</b>", "x" * 200)},
    notes=("the graph is larger than the time allowed",),
)


def test_a_notebook_shows_labels_types_triples_indexes_and_a_picture() -> None:
    html = SCHEMA._repr_html_()
    assert (
        "name: STRING (unique) · such as &quot;Tom Hanks&quot;, &quot;&lt;b&gt;Meg&lt;/b&gt;&quot;, &quot;xxx" in html
    )
    assert "`odd name`: INTEGER" in html
    assert "(:Person)→(:Movie)" in html
    assert "<td>KNOWS</td>" in html
    assert "Indexes and constraints (1)" in html
    assert "<svg" in html
    assert "2 labels, 3 relationship types, 2 triples" in html
    assert "the graph is larger" in html
    assert "x" * 41 not in html


def test_a_terminal_shows_what_a_model_reads() -> None:
    text = PlainTextFormatter()(SCHEMA)
    assert text.startswith(SCHEMA.render())
    assert "-[:UNUSED]-" in text
    assert "UNIQUENESS person_name on Person(name)" in text
    assert text.endswith("2 labels, 3 relationship types, 2 triples\nthe graph is larger than the time allowed")


def test_names_from_the_graph_are_escaped() -> None:
    hostile = "<script>alert(1)</script>\x1b[31m"
    schema = GraphSchema(
        labels={hostile: {hostile: hostile}},
        relationship_types={hostile: {}},
        triples=(Triple(hostile, hostile, hostile),),
        indexes=(Index(hostile, hostile, hostile, (hostile,)),),
        values={f"{hostile}.{hostile}": (hostile,)},
        notes=(hostile,),
    )
    assert "<script" not in schema._repr_html_()
    assert "\x1b" not in schema._repr_html_() + PlainTextFormatter()(schema)


def test_an_empty_graph_has_an_empty_table() -> None:
    assert "0 labels, 0 relationship types, 0 triples" in GraphSchema()._repr_html_()
    assert PlainTextFormatter()(GraphSchema()) == "0 labels, 0 relationship types, 0 triples"


def test_the_demo_graph_is_shown(demo_graph: Any) -> None:
    html = demo_graph.schema()._repr_html_()
    assert "title: STRING" in html
    assert "RATED" in html
