"""The schema as a value: its text forms, its fingerprint, and the part of it a question is about."""

from __future__ import annotations

import pytest

from cypher_magic.graph.schema import GraphSchema, Index, Triple, quoted

SCHEMA = GraphSchema(
    labels={
        "Movie": {"imdbRating": "FLOAT", "released": "INTEGER", "tagline": "STRING", "title": "STRING"},
        "Person": {"born": "INTEGER", "name": "STRING"},
        "Invoice line": {"amount": "FLOAT", "currency": "STRING", "dueDate": "DATE", "number": "INTEGER"},
        "Customer": {"name": "STRING", "vat id": "STRING", "city": "STRING"},
        "Genre": {"name": "STRING"},
    },
    relationship_types={"ACTED_IN": {"roles": "LIST<STRING>"}, "IN_GENRE": {}, "BILLED_TO": {}, "odd`type": {}},
    triples=(
        Triple("Invoice line", "BILLED_TO", "Customer"),
        Triple("Movie", "IN_GENRE", "Genre"),
        Triple("Person", "ACTED_IN", "Movie"),
        Triple("Person", "odd`type", "Person"),
    ),
    indexes=(Index("by_title", "RANGE", "Movie", ("title",)), Index("by_city", "RANGE", "Customer", ("city",))),
    values={"Genre.name": ("Comedy", "Drama"), "Customer.city": ("Malmö",)},
)


def test_text_and_json_read_back_to_the_same_schema() -> None:
    assert GraphSchema.from_json(SCHEMA.to_json()) == SCHEMA
    again = GraphSchema.from_text(SCHEMA.render())
    assert again.render() == SCHEMA.render()
    assert again.fingerprint == SCHEMA.fingerprint


def test_a_line_that_is_no_schema_is_named() -> None:
    with pytest.raises(ValueError, match="line 2 is neither"):
        GraphSchema.from_text("(:A)\nPerson knows Person")


@pytest.mark.parametrize("name", ["a b", "back`tick", "1st", "naïve", "plain", "with-dash", "`"])
def test_odd_names_survive_the_text_form(name: str) -> None:
    schema = GraphSchema(
        labels={name: {name: "STRING"}}, relationship_types={name: {}}, triples=(Triple(name, name, name),)
    )
    assert GraphSchema.from_text(schema.render()) == schema
    assert quoted(name).startswith("`") == (name not in ("plain", "naïve"))


def test_a_schema_that_fits_is_not_pruned() -> None:
    assert SCHEMA.pruned_for("anything", 10_000) is SCHEMA


@pytest.mark.parametrize(
    ("question", "kept", "left_out"),
    [
        ("Which actors played in movies released after 2000?", {"Person", "Movie"}, {"Invoice line"}),
        ("What is the amount of the invoice billed to Smith?", {"Invoice line", "Customer"}, {"Genre"}),
        ("How many comedy films are there?", {"Genre"}, {"Invoice line"}),
        ("customers in Malmö", {"Customer"}, {"Movie"}),
    ],
)
def test_the_part_that_the_question_is_about_is_kept(question: str, kept: set[str], left_out: set[str]) -> None:
    pruned = SCHEMA.pruned_for(question, 60)
    assert len(pruned.render()) // 3 <= 60
    assert kept <= set(pruned.labels)
    assert not left_out & set(pruned.labels)


def test_kept_relationships_keep_both_ends_and_nothing_is_left_without_its_owner() -> None:
    for budget in range(10, 200, 10):
        pruned = SCHEMA.pruned_for("who acted in which genre", budget)
        assert {end for t in pruned.triples for end in (t.start, t.end)} <= set(pruned.labels)
        assert set(pruned.relationship_types) == {t.type for t in pruned.triples}
        assert all(index.owner in pruned.labels for index in pruned.indexes)
        assert all(key.rpartition(".")[0] in pruned.labels for key in pruned.values)
        assert list(pruned.labels) == [label for label in SCHEMA.labels if label in pruned.labels]


def test_a_budget_too_small_for_anything_still_names_the_best_label() -> None:
    assert list(SCHEMA.pruned_for("movies", 1).labels) == ["Movie"]


def test_a_counter_of_real_tokens_is_obeyed() -> None:
    pruned = SCHEMA.pruned_for("movies", 12, count=lambda text: len(text.split()))
    assert 0 < len(pruned.render().split()) <= 12
