"""What the gate finds, how it counts, what it repairs, and how its report reads."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.data.read import load_examples
from cypher_magic.data.report import Finding, Report
from cypher_magic.errors import DataError
from cypher_magic.graph.schema import GraphSchema, Triple

SCHEMA = GraphSchema(
    {"Person": {"name": "STRING"}, "Movie": {"title": "STRING", "released": "INTEGER"}},
    {"ACTED_IN": {"roles": "LIST<STRING>"}},
    (Triple("Person", "ACTED_IN", "Movie"),),
)
GOOD = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN p.name"


def _codes(data: Any, *, after_fix: bool = False) -> dict[str, tuple[int, ...]]:
    return {f.code: f.rows for f in (data.report.remaining if after_fix else data.report.findings)}


def _one(query: str, **options: Any) -> Any:
    return load_examples([("A good question?", GOOD), ("Which one?", query)], schema=SCHEMA, **options)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("MATCH (p:Person RETURN p.name", "syntax"),
        ("MATCH (p:Person) RETURN q.name", "undefined_variable"),
        ("MATCH (p:Person) DELETE p", "write"),
        ("LOAD CSV FROM 'file:///x' AS row RETURN row", "load_csv"),
        ("CALL dbms.components() YIELD name RETURN name", "procedure"),
        ("RETURN 1 AS a; RETURN 2 AS a", "several_statements"),
        ("MATCH (p:Actor) RETURN p.name", "unknown_label"),
        ("MATCH (p:Person)-[:PLAYED]->(m:Movie) RETURN p.name", "unknown_relationship_type"),
        ("MATCH (p:Person) RETURN p.age", "unknown_property"),
        ("MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN p.name", "reversed_direction"),
    ],
)
def test_every_query_is_linted(query: str, code: str) -> None:
    data = _one(query)
    found = next(f for f in data.report.findings if f.code == code)
    assert (found.rows, found.severity) == ((2,), "error")
    assert query in found.details[0][1]


def test_a_good_data_set_has_nothing_to_complain_about() -> None:
    data = load_examples([("Who acts?", GOOD), ("Which titles?", "MATCH (m:Movie) RETURN m.title")], schema=SCHEMA)
    assert data.report.findings == ()
    assert "nothing to complain about" in repr(data)


def test_without_a_schema_only_cypher_itself_is_checked() -> None:
    assert _codes(load_examples([("Who?", "MATCH (x:Whatever) RETURN x.name")])) == {}


def test_a_row_is_checked_against_its_own_schema() -> None:
    rows = [{"question": "Which?", "query": "MATCH (m:Movie) RETURN m.title", "schema": "(:Road {name: STRING})"}]
    assert "unknown_label" in _codes(load_examples(rows, schema=SCHEMA))


def test_fix_repairs_what_has_one_repair_and_says_so() -> None:
    data = _one("MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN p.name", fix=True)
    assert data.train[1].query == "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN p.name"
    (change,) = data.report.repaired
    assert (change.row, change.code) == (2, "reversed_direction")


@pytest.mark.parametrize("query", ["MATCH (p:Person RETURN p.name", "MATCH (p:Person) DETACH DELETE p"])
def test_fix_drops_what_can_not_run(query: str) -> None:
    data = _one(query, fix=True)
    assert [e.query for e in data.train] == [GOOD]
    assert [c.row for c in data.report.dropped] == [2]
    assert data.report.remaining == ()


def test_fix_keeps_misfits_unless_told_to_drop_them() -> None:
    query = "MATCH (p:Person) RETURN p.shoe_size"
    kept, dropped = _one(query, fix=True), _one(query, fix=True, drop_misfits=True)
    assert (len(kept.train), len(dropped.train)) == (2, 1)
    assert "unknown_property" in _codes(kept, after_fix=True)


def test_of_two_answers_the_one_that_fits_the_graph_stays() -> None:
    rows = [("Who?", "MATCH (p:Actor) RETURN p.name"), ("Who?", GOOD), ("Who?", "MATCH (n) RETURN n.name")]
    data = load_examples(rows, schema=SCHEMA, fix=True)
    assert [e.query for e in data.train] == [GOOD]
    assert [c.row for c in data.report.dropped] == [1, 3]


def test_of_two_answers_that_both_pass_the_first_stays() -> None:
    data = load_examples([("Who?", "RETURN 1 AS a"), ("Who?", "RETURN 2 AS a")], fix=True)
    assert [e.query for e in data.train] == ["RETURN 1 AS a"]


def test_spaces_do_not_make_a_question_or_an_answer_new() -> None:
    data = load_examples([("Who  is\nit?", "RETURN 1  AS a;"), ("Who is it?", "RETURN 1 AS a")])
    assert _codes(data) == {"repeated_question": (2,)}


def test_letter_case_and_punctuation_make_a_near_duplicate() -> None:
    data = load_examples([("Who is it?", "RETURN 1 AS a"), ("who is it", "RETURN 1 AS a")])
    assert _codes(data) == {"near_duplicate": (2,)}


def test_a_leak_names_the_training_row() -> None:
    data = load_examples(
        [("A?", "RETURN 1 AS a"), ("B?", "RETURN 2 AS b")], val=[("B?", "RETURN 2 AS b"), ("b", "RETURN 3 AS c")]
    )
    leaked = {f.code: f for f in data.report.findings}
    assert leaked["leaked_question"].rows == (1,)
    assert "row 2" in leaked["leaked_question"].details[0][1]
    assert leaked["nearly_leaked"].rows == (2,)


def test_fix_takes_leaked_rows_out_of_validation() -> None:
    data = load_examples([("A?", "RETURN 1 AS a")], val=[("A?", "RETURN 1 AS a"), ("C?", "RETURN true AS c")], fix=True)
    assert [e.question for e in data.val] == ["C?"]


def test_a_known_query_about_another_value_is_told() -> None:
    train = [("Who is Tom?", "MATCH (p:Person {name: 'Tom'}) RETURN p")]
    val = [("Who is Ann?", "MATCH (p:Person {name: 'Ann'}) RETURN p")]
    assert _codes(load_examples(train, val=val, schema=SCHEMA)) == {"leaked_template": (1,)}


def test_rows_that_are_too_long_are_told_with_what_pruning_would_leave() -> None:
    rows = [Example("a b c", "RETURN 1 AS a"), Example("d e f", "RETURN 2 AS a", schema="(:A {b: STRING})\n" * 20)]
    data = load_examples(
        [*rows, Example("g " * 50, "RETURN 3 AS a")], tokenizer=lambda t: len(t.split()), max_tokens=20
    )
    found = {f.code: f for f in data.report.findings}
    assert found["row_too_long"].rows == (3,)
    assert found["schema_too_long"].details == ((2, "67 tokens; its schema has 60 and may take 13"),)
    assert len(data.train) == 3
    assert data.train[2].question == ("g " * 50).strip()


def test_lengths_are_counted_with_the_tokenizer_given() -> None:
    class Tokenizer:
        def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
            assert not add_special_tokens
            return list(range(len(text)))

    (question, query) = load_examples([("abcd", "RETURN 1 AS a")], tokenizer=Tokenizer()).report.lengths
    assert (question.largest, query.largest) == (4, 13)


def test_strict_refuses_what_fix_leaves() -> None:
    with pytest.raises(DataError, match=r"1 query names a property .*fix=True"):
        _one("MATCH (p:Person) RETURN p.age", strict=True)
    with pytest.raises(DataError, match="1 query names a property"):
        _one("MATCH (p:Person) RETURN p.shoe_size", strict=True, fix=True)
    assert _one("MATCH (p:Person DELETE p", strict=True, fix=True).report.errors == ()


def test_the_html_report_escapes_what_stands_in_the_data() -> None:
    evil = "<script>alert(1)</script>"
    rows = [{"question": evil, "query": f"MATCH (n:`{evil}`) RETURN n.name"}] * 2
    html = load_examples(rows, schema=SCHEMA)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_text_report_shows_rows_and_folds_runs() -> None:
    finding = Finding("repeated_question", "warning", "6 rows repeat", (2, 3, 4, 9, 11, 12), "a.csv", "train", 6)
    text = repr(Report(rows_train=12, findings=(finding,)))
    assert "rows 2-4, 9, 11-12" in text
    assert "a.csv" in text


def test_a_function_of_the_users_own_is_fine_when_allowed() -> None:
    rows = [("How far?", "MATCH (p:Person) RETURN my.own.distance(p.name) AS far")]
    assert "function" in _codes(load_examples(rows, schema=SCHEMA))
    assert _codes(load_examples(rows, schema=SCHEMA, allow=["my.own.*"])) == {}


def test_a_schema_of_an_unknown_form_is_noted() -> None:
    data = load_examples([{"question": "Who?", "query": GOOD, "schema": "people act in movies"}])
    assert _codes(data) == {"unreadable_schema": (1,)}


def test_nearly_the_same_words_for_the_same_query_make_a_near_duplicate() -> None:
    rows = [
        ("Which of the films did Tom Hanks appear in during the war?", GOOD.replace("p.name", "m.title")),
        ("Which of the movies did Tom Hanks appear in during the war?", GOOD.replace("p.name", "m.title")),
        ("Which of the movies did Meg Ryan appear in during the war?", "MATCH (m:Movie) RETURN m.title"),
    ]
    assert _codes(load_examples(rows, schema=SCHEMA)) == {"near_duplicate": (2,)}
    assert _codes(load_examples(rows[:1], val=rows[1:2], schema=SCHEMA)) == {"nearly_leaked": (1,)}


def test_rows_whose_query_does_not_do_what_the_question_says_are_noted_and_kept() -> None:
    rows = [
        ("How many movies are there?", "MATCH (m:Movie) RETURN m.title"),
        ("Which movies are there?", "MATCH (m:Movie) RETURN m.title"),
        ("Which movies did Tom act in?", "MATCH (p:Person {name: 'Tom'})-[:ACTED_IN]->(m:Movie) RETURN p.name"),
        ("Which movies?", "MATCH (m:Nowhere) RETURN m.title"),
    ]
    data = load_examples(rows, schema=SCHEMA)
    (found,) = (f for f in data.report.findings if f.code == "gap")
    assert (found.rows, found.severity, len(data.train)) == ((1, 3), "note", 4)
    assert found.message == "2 queries may not do what their questions say"
    assert found.details[1][1].startswith("The query can only say 'Tom' again. | Which movies did Tom act in? | MATCH")
    assert "gap" not in _codes(load_examples(rows))  # without a schema


def test_a_row_that_was_repaired_and_then_dropped_counts_as_dropped() -> None:
    rows = [("Who?", GOOD), ("Who?", "MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN p.name")]
    data = load_examples(rows, schema=SCHEMA, fix=True)
    assert (data.report.repaired, [c.row for c in data.report.dropped]) == ((), [2])


def test_the_schema_of_the_graph_counts_into_the_length_of_a_row() -> None:
    def words(text: str) -> int:
        return len(text.split())

    schema, own = words(SCHEMA.render()), words("Who acts?") + words(GOOD)
    rows = [("Who acts?", GOOD)]
    assert _codes(load_examples(rows, schema=SCHEMA, tokenizer=words, max_tokens=own + schema)) == {}
    tight = load_examples(rows, schema=SCHEMA, tokenizer=words, max_tokens=own + schema - 1)
    assert _codes(tight) == {"schema_too_long": (1,)}
    assert next(x for x in tight.report.lengths if x.what == "schema").largest == schema


def test_a_limit_in_tokens_needs_a_tokenizer() -> None:
    with pytest.raises(DataError, match="needs a tokenizer"):
        load_examples([("Who acts?", GOOD)], max_tokens=100)
