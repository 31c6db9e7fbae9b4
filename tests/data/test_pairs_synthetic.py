"""Pairs over invented graphs, the words they are made of, and the magic that makes pairs."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.generate.facts import usable
from cypher_magic.data.generate.invented import maker
from cypher_magic.data.generate.literals import literal, said, unguarded
from cypher_magic.data.generate.naming import Naming, frame
from cypher_magic.data.generate.naming_properties import property_words
from cypher_magic.data.generate.synthetic import domains, invented_facts, styled, synthetic_pairs
from cypher_magic.data.generate.typos import with_typo
from cypher_magic.data.generate.words import article, base_of, is_plural, plural, singular, verb, words
from cypher_magic.data.schemas import graph_schema
from cypher_magic.errors import DataError, OptionError
from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.query.check import check
from cypher_magic.query.readonly import read_only

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def rows() -> list[Any]:
    return list(synthetic_pairs(900, seed=4))


def test_every_query_is_read_only_and_fits_its_own_schema(rows: list[Any]) -> None:
    known: dict[str, GraphSchema | None] = {}
    for row in rows:
        schema = known.setdefault(row.schema, graph_schema(row.schema))
        assert schema is not None
        assert read_only(row.query) == []
        assert check(row.query, schema) == [], (row.query, row.schema)


def test_every_text_in_a_query_stands_in_its_question(rows: list[Any]) -> None:
    for row in rows:
        if not row.history:
            texts = re.findall(r"'((?:[^'\\]|\\.)*)'", row.query)
            assert all(re.sub(r"\\(.)", r"\1", text).casefold() in row.question.casefold() for text in texts), row


def test_rows_are_many_kinds_over_many_graphs_with_follow_ups(rows: list[Any]) -> None:
    assert len(rows) == 900
    assert sum(bool(r.history) for r in rows) >= 90
    assert len({r.schema for r in rows}) >= 25
    assert len({r.database for r in rows}) >= 15
    assert len({r.family for r in rows}) >= 25
    assert len({r.question.casefold() for r in rows}) > 850


def test_the_same_seed_makes_the_same_rows_and_domains_can_be_left_out() -> None:
    first, again = (list(synthetic_pairs(90, seed=9)) for _ in range(2))
    assert first == again
    films = {"films", "television"}
    assert not films & {r.database for r in synthetic_pairs(300, seed=9, without=sorted(films))}


def test_there_are_forty_domains_and_no_hospital() -> None:
    names = {d.name for d in domains()}
    assert len(names) >= 40
    assert not any("hospital" in name or "patient" in name for name in names)
    labels = {n.casefold() for d in domains() for label in d.labels for n in label.names}
    assert not labels & {"patient", "doctor", "nurse", "hospital", "ward"}


def test_every_line_of_every_domain_can_be_drawn() -> None:
    rng = random.Random(1)
    for domain in domains():
        known = {n for label in domain.labels for n in label.names}
        for label in domain.labels:
            for spec in (label.kind, *(p.spec for p in label.properties)):
                assert maker(spec)[1](rng) is not None
        for edge in domain.relationships:
            assert {edge.start, edge.end} <= known, (domain.name, edge)


def test_an_invented_graph_has_the_schema_that_its_nodes_show() -> None:
    rng = random.Random(2)
    for domain in domains()[:12]:
        facts = invented_facts(domain, rng)
        for label, nodes in facts.nodes.items():
            assert {p for n in nodes for p in n.values} <= set(facts.schema.labels[label])
        assert set(facts.edges) == set(facts.schema.triples)
        assert set(facts.keys) == set(facts.schema.labels)


@pytest.mark.parametrize(
    ("name", "style", "written"),
    [
        ("ACTED_IN", "camel", "actedIn"),
        ("releaseYear", "lower_snake", "release_year"),
        ("RecordLabel", "UPPER_SNAKE", "RECORD_LABEL"),
        ("order date", "Title", "OrderDate"),
    ],
)
def test_names_are_written_in_a_style(name: str, style: str, written: str) -> None:
    assert styled(name, style) == written


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ACTED_IN", ["acted", "in"]),
        ("imdbRating", ["imdb", "rating"]),
        ("HTTPServer", ["http", "server"]),
        ("Order Line", ["order", "line"]),
        ("Größe", ["größe"]),
    ],
)
def test_a_name_is_parted_into_words(name: str, parts: list[str]) -> None:
    assert words(name) == parts


def test_plurals_singulars_and_articles() -> None:
    assert [plural(w) for w in ("movie", "city", "person", "box", "year of birth", "students")] == [
        "movies", "cities", "people", "boxes", "years of birth", "students",
    ]  # fmt: skip
    assert [singular(w) for w in ("movies", "cities", "people", "boxes", "address", "status", "series")] == [
        "movie", "city", "person", "box", "address", "status", "series",
    ]  # fmt: skip
    assert [article(w) for w in ("actor", "user", "movie", "hour", "IMDb rating")] == [
        "an actor", "a user", "a movie", "an hour", "an IMDb rating",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("diagnosis", "diagnoses"), ("analysis", "analyses"), ("hypothesis", "hypotheses"), ("basis", "bases"),
        ("criterion", "criteria"), ("axis", "axes"), ("index", "indexes"), ("lens", "lenses"), ("alias", "aliases"),
        ("craftsman", "craftsmen"), ("human", "humans"), ("specimen", "specimens"), ("child", "children"),
        ("hour per week", "hours per week"), ("dose in mg", "doses in mg"), ("database", "databases"),
        ("day", "days"), ("size", "sizes"), ("use", "uses"), ("radius", "radii"),
        ("purchase", "purchases"), ("date filed", "dates filed"),
        ("status", "statuses"), ("analytics", "analytics"), ("lab test", "lab tests"),
    ],
)  # fmt: skip
def test_a_noun_and_its_plural_lead_to_each_other(one: str, many: str) -> None:
    assert plural(one) == many == plural(many)
    assert singular(many) == one == singular(one) or " " in one


def test_a_plural_that_is_not_written_here_is_read() -> None:
    assert [singular(w) for w in ("indices", "persons", "vertexes")] == ["index", "person", "vertex"]
    assert [is_plural(w) for w in ("allergies", "hours per week", "status", "price")] == [True, True, False, False]


def test_an_article_goes_by_the_sound() -> None:
    assert [article(w) for w in ("XSS flaw", "8-bit chip", "1850 painting", "one-way street", "uninsured patient")] == [
        "an XSS flaw", "an 8-bit chip", "an 1850 painting", "a one-way street", "an uninsured patient",
    ]  # fmt: skip


def test_verbs_are_led_back_to_their_base_and_formed_again() -> None:
    for base in ("act", "produce", "write", "ship", "supply", "visit", "own", "teach", "release", "delegate", "play"):
        made = verb(base)
        assert base_of(made.past) == (base, "past")
    assert verb("run").form("ing") == "running"
    assert verb("act", "in").form("third") == "acts in"
    assert base_of("need") is None


@pytest.mark.parametrize(
    ("type_", "said_"),
    [
        ("ACTED_IN", "acted in"),
        ("DIRECTED", "directed"),
        ("WORKS_FOR", "works for"),
        ("worksFor", "works for"),
        ("SUPPLIES", "supplies"),
        ("DEPENDS_ON", "depends on"),
        ("STANDS_IN", "stands in"),
        ("HAS_ACCESS_TO", "has access to"),
        ("LOCATED_IN", "located in"),
        ("SHIPPED_FROM", "shipped from"),
        ("FOUND_IN", "found in"),
        ("TREATED_BY", "treated by"),
        ("AVAILABLE_AT", "available at"),
        ("PART_OF", "part of"),
        ("IN_COALITION_WITH", "in coalition with"),
        ("MEETS", "meets"),
        ("EXAMINES", "examines"),
        ("ADMITTED_TO", "admitted to"),
    ],
)
def test_the_name_of_a_relationship_is_read_as_people_say_it(type_: str, said_: str) -> None:
    found = frame(type_, [])
    forms = [v.form("past" if found.tense == "past" else "third") for v in found.verbs]
    assert said_ in (*forms, *found.states)


@pytest.mark.parametrize("type_", ["LOCATED_IN", "HELD_AT", "PART_OF", "DEPARTS_FROM", "RUNS_ON", "PUBLISHED_IN"])
def test_where_something_is_does_not_lie_in_it(type_: str) -> None:
    assert frame(type_, []).links == ()  # "cities in the museum" are no cities that the museum is located in


def test_who_did_it_where_the_name_is_passive() -> None:
    assert [a.form("past") for a in frame("MANUFACTURED_BY", []).actors][0] == "manufactured"


def test_a_genre_is_a_trait_and_a_part_is_held() -> None:
    assert frame("IN_GENRE", ["genre"]).trait
    assert frame("HAS_PART", ["component"]).held == "part"


def test_two_relationships_between_the_same_labels_do_not_share_a_word() -> None:
    triples = tuple(Triple("Person", t, "Movie") for t in ("DIRECTED", "PRODUCED", "WROTE"))
    naming = Naming(GraphSchema({"Person": {}, "Movie": {}}, {t.type: {} for t in triples}, triples))
    verbs = Counter(v.form("past") for t in triples for v in naming.frame(t).verbs)
    links = Counter(link for t in triples for link in naming.frame(t).links)
    assert max(verbs.values()) == 1
    assert max(links.values()) == 1
    assert "made" in [v.past for v in naming.frame(triples[0]).verbs]


def test_properties_are_said_by_what_they_mean() -> None:
    assert "when was {x} completed" in property_words("completed", [], "INTEGER").asks
    assert property_words("calories_burned", [], "INTEGER").nouns == ("number of calories burned",)
    assert property_words("closes", [], "DATE").nouns == ("closing date",)
    assert property_words("sold", [], "INTEGER").most == ()
    assert "how many floors does {x} have" in property_words("floors", [], "INTEGER").asks
    assert "when was {x} measured" in property_words("measuredAt", [], "DATETIME").asks
    assert property_words("movieTitle", ["movie"]).nouns == ("title",)
    assert "longest" in property_words("runtime", []).most


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("O'Hara", "'O\\'Hara'"),
        ("a\\b", "'a\\\\b'"),
        (True, "true"),
        (7, "7"),
        (2.5, "2.5"),
        (("a", "b"), "['a', 'b']"),
    ],
)
def test_values_become_literals(value: Any, text: str) -> None:
    assert literal(value) == text


def test_control_characters_have_no_literal() -> None:
    with pytest.raises(DataError, match="control characters"):
        literal("a\nb")
    assert not usable("a\nb")
    assert not usable("x" * 61)
    assert not usable(" x")
    assert usable("x" * 60)


def test_signs_of_the_wording_language_come_through_a_question() -> None:
    assert unguarded(said("[REC] {a|b}")) == "[REC] {a|b}"


def test_a_slip_leaves_the_words_of_literals_alone() -> None:
    rng = random.Random(3)
    slips = {with_typo(rng, "Which movies did Tom Hanks direct?", "RETURN 'Tom Hanks'") for _ in range(60)}
    assert len(slips) > 10
    assert all("Tom Hanks" in s for s in slips)


# --- the magic --------------------------------------------------------------------------------------------------------


def test_the_magic_returns_pairs_and_writes_both_parts(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shell.run_line_magic("load_ext", "cypher_magic")
    shell.run_line_magic("cypher_connect", "demo")
    pairs = shell.run_line_magic("cypher_data", "generate --rows 40 --seed 2 --out train.jsonl --val val.jsonl")
    assert len(pairs) == 40
    train, val = ((tmp_path / name).read_text("utf-8").splitlines() for name in ("train.jsonl", "val.jsonl"))
    assert len(train) + len(val) == 40
    assert val
    with pytest.raises(OptionError):
        shell.run_line_magic("cypher_data", "generate --by colour")
